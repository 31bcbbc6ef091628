"""A benchmark for people and for tools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cnnspec.bench import Bench, LayerRow, Row
from cnnspec.bench.measure import Spread
from cnnspec.bench.records import MODES, TORCH, WORDS, MeanRatio, Mode
from cnnspec.documents import Document, document
from cnnspec.environment import environment
from cnnspec.report.tables import Dotted, plain_table
from cnnspec.report.worthless import mark, worthless_lines
from cnnspec.spec.sizes import show


def render_bench(found: Bench) -> Iterator[RenderableType]:
    """Yield what `cnnspec bench` prints."""
    machine, threads = found.machine, _counted(found.machine.threads, "thread")
    yield Text(
        f"{found.plan.name}, {found.training.precision}, {threads}; this machine: "
        f"{machine.gemm_gflops:.0f} GFLOP/s in a matrix product, {machine.bandwidth_gbs:.0f} GB/s "
        "from memory"
    )
    for mode in MODES:
        yield _table(found, mode)
        yield from (Text(_mean(mean)) for mean in found.means() if mean.mode == mode)
        yield Text()
    if found.layers:
        yield _layers(found)
    yield Text(
        "Medians, and in brackets the middle half of the calls; ratios are taken turn by turn, and "
        "their mean is geometric. "
        "`of roof`: the least time that this machine's arithmetic and memory allow, over the time."
    )
    yield from (
        Text(f"{mark} scaled up by the multiply-accumulates of {what}")
        for what, mark in _slices(found).items()
    )
    yield from map(Text, worthless_lines(found))
    yield from (Text(f"not measured: {out.what}: {out.why}") for out in found.left_out)


def _table(found: Bench, mode: Mode) -> Table:
    optimizer = f", {found.training.optimizer.keyword}" if mode == "train" else ""
    table = plain_table(
        "batch",
        ("backend", "left"),
        "ms",
        ("", "left"),
        f"/{TORCH}",
        "GFLOP/s",
        "of roof",
        "MiB",
        ("", "left"),
        title=f"{WORDS[mode]}{optimizer}",
    )
    marks, before = _slices(found), 0
    for row in (row for row in found.rows if row.mode == mode):
        if row.batch_size != before and before:
            table.add_section()
        table.add_row(
            str(row.batch_size) if row.batch_size != before else "",
            row.backend,
            _number(1e3 * row.seconds.median),
            marks[_slice(row)] if row.slice else _middle(row.seconds),
            "" if row.ratio_to_torch is None else f"{row.ratio_to_torch.median:.2f}",
            f"{row.gflops:.1f}" if row.gflops >= 0.1 else f"{row.gflops:.1g}",
            f"{100 * row.of_roofline:.0f} %",
            "" if row.peak_memory is None else f"{row.peak_memory / 2**20:.0f}",
            mark(row),
        )
        before = row.batch_size
    return table


def _layers(found: Bench) -> Table:
    table = plain_table(
        ("layer", "left"),
        ("backend", "left"),
        "forward ms",
        "backward ms",
        "GFLOP/s",
        "of roof",
        ("", "left"),
        title=f"layers, in training steps of {_counted(found.layer_batch, 'image')}",
    )
    backends = list(dict.fromkeys(row.backend for row in found.layers))
    for at in found.plan.layers:
        for row in (row for row in found.layers if row.layer == at.name):
            table.add_row(
                Dotted(row.layer) if row.backend == backends[0] else "",
                row.backend,
                _number(1e3 * row.forward.median),
                _number(1e3 * row.backward.median),
                f"{row.gflops:.1f}" if row.gflops else "-",
                f"{100 * row.of_roofline:.0f} %" if row.of_roofline else "-",
                mark(row),
            )
    return table


def _mean(mean: MeanRatio) -> str:
    """Say how a backend compares over all batch sizes."""
    ratios = [_number(ratio) for ratio in (mean.geometric_mean, mean.least, mean.greatest)]
    of_all = ratios[0] if len(set(ratios)) == 1 else "{} in the mean, {} to {}".format(*ratios)
    return f"{mean.backend} / {mean.over}: {of_all}"


def _slice(row: Row) -> str:
    """Name the slice from which a row was scaled up."""
    assert row.slice is not None
    return f"{_counted(row.slice.images, 'image')} of {show(row.slice.input)}"


def _slices(found: Bench) -> dict[str, str]:
    """Return a mark for each slice that stands for a batch."""
    taken = dict.fromkeys(_slice(row) for row in found.rows if row.slice)
    return {name: "*" * number for number, name in enumerate(taken, 1)}


def _middle(spread: Spread) -> str:
    return f"[{_number(1e3 * spread.low)} {_number(1e3 * spread.high)}]"


def _number(value: float) -> str:
    """Write three digits of a number, or more where it is large."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def bench_document(found: Bench) -> Document:
    """Return what `cnnspec bench --json` prints. Times are in milliseconds."""
    machine = found.machine
    return document(
        "bench",
        spec=found.plan.name,
        precision=found.training.precision,
        optimizer=found.training.optimizer.keyword,
        threads=machine.threads,
        rows=[_row(found, row) for row in found.rows],
        means=[asdict(mean) for mean in found.means()],
        layers={
            "batch_size": found.layer_batch,
            "rows": [_layer_row(row) for row in found.layers],
        },
        machine={
            "gemm_gflops": machine.gemm_gflops,
            "bandwidth_gbs": machine.bandwidth_gbs,
            "streams": [{"bytes": size, "gbs": gbs} for size, gbs in machine.streams_gbs],
        },
        load=asdict(found.load),
        left_out=[asdict(out) for out in found.left_out],
        environment=environment(),
    )


def _row(found: Bench, row: Row) -> Document:
    ratio = row.ratio_to_torch
    return {
        "mode": row.mode,
        "optimizer": found.training.optimizer.keyword if row.mode == "train" else None,
        "backend": row.backend,
        "batch_size": row.batch_size,
        "threads": found.machine.threads,
        **_milliseconds("", row.seconds),
        "calls": row.calls,
        "ratio_to_torch": ratio and ratio.median,
        "ratio_low": ratio and ratio.low,
        "ratio_high": ratio and ratio.high,
        "gflops": row.gflops,
        "of_gemm": row.gflops / found.machine.gemm_gflops,
        "of_roofline": row.of_roofline,
        "peak_memory_mib": row.peak_memory and row.peak_memory / 2**20,
        "scaled_from": row.slice and asdict(row.slice),
        "worthless": list(row.worthless),
    }


def _layer_row(row: LayerRow) -> Document:
    return {
        "layer": row.layer,
        "kind": row.kind,
        "backend": row.backend,
        **_milliseconds("forward_", row.forward),
        **_milliseconds("backward_", row.backward),
        "gflops": row.gflops,
        "of_roofline": row.of_roofline,
        "worthless": list(row.worthless),
    }


def _milliseconds(what: str, spread: Spread) -> Document:
    return {
        f"{what}ms": 1e3 * spread.median,
        f"{what}ms_low": 1e3 * spread.low,
        f"{what}ms_high": 1e3 * spread.high,
        f"{what}ms_min": 1e3 * spread.least,
        f"{what}ms_max": 1e3 * spread.greatest,
    }
