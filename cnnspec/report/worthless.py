"""Which figures of a benchmark are worthless, why, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.bench import Bench, LayerRow, Row
from cnnspec.bench.records import MODES, WORDS
from cnnspec.bench.worthless import APART, REASONS, Load, Reason

MARK = "!"


def mark(row: Row | LayerRow) -> str:
    """Return the mark of a row whose figures are worthless, and nothing for others."""
    return MARK if row.worthless else ""


def worthless_lines(found: Bench) -> Iterator[str]:
    """Yield a line for each reason: which rows it takes, why, and what to do."""
    for reason in REASONS:
        if rows := ", ".join(_rows(found, reason)):
            yield f"{MARK} worthless: {rows}: {_why(reason, found.load)}"


def _rows(found: Bench, reason: Reason) -> Iterator[str]:
    """Name the rows that a reason takes; where it takes all, in one word."""
    taken = [row for row in found.rows if reason in row.worthless]
    layers = [row for row in found.layers if reason in row.worthless]
    if len(taken) + len(layers) == len(found.rows) + len(found.layers):
        yield "all rows"
        return
    for mode in MODES:
        batches: dict[str, list[str]] = {}
        for row in taken:
            if row.mode == mode:
                batches.setdefault(row.backend, []).append(str(row.batch_size))
        for backend, sizes in batches.items():
            yield f"{WORDS[mode]}s of {backend} at batch {_listed(sizes)}"
    for backend in dict.fromkeys(row.backend for row in layers):
        names = [row.layer for row in layers if row.backend == backend]
        yield f"{_listed(names)} of {backend} (layers)"


def _listed(words: list[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _why(reason: Reason, load: Load) -> str:
    if reason == "above_roof":
        return (
            "more than 100 % of the roof. The machine was slower when its roof was measured than "
            "it was in these calls. Run the benchmark again while nothing else runs"
        )
    if reason == "load":
        before, during = (_number(value) for value in (load.before, load.during))
        return (
            f"the load was {before} before and up to {during} during the benchmark, on "
            f"{load.cores} core{'' if load.cores == 1 else 's'}. Other programs took part of the "
            "time. Stop them, wait a minute, and run the benchmark again"
        )
    return (
        f"the upper quartile is more than {APART} times the lower one. Something else ran in some "
        "of these calls. Run the benchmark again while nothing else runs, or longer (--seconds)"
    )


def _number(load: float | None) -> str:
    return "not known" if load is None else f"{load:.1f}"
