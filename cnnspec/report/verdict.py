"""A verdict, read top-down: the sentence, what is wrong and why, the table, the training."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from cnnspec.address import TRAINING
from cnnspec.compare.parts import Replayed
from cnnspec.compare.probes.draw import DATA_IMAGES
from cnnspec.compare.verdict import Comparison, Coverage, Finding, Kinks, NotCompared, Verdict
from cnnspec.report.address import sides_words, words
from cnnspec.report.findings import finding_paragraphs, follow_lines, headline, paragraph_of
from cnnspec.report.paragraphs import Paragraph, Paragraphs
from cnnspec.report.quantities import QuantitiesTable, label, legend
from cnnspec.report.trajectory import trajectory_parts


def render_replay(verdict: Verdict, *, whole: bool = False) -> Iterator[RenderableType]:
    """Yield what `cnnspec compare` prints before the training; the `whole` with every budget."""
    yield verdict_sentence(verdict)
    yield from replay_parts(verdict, whole=whole)


def replay_parts(
    found: Verdict | Replayed, *, whole: bool, of_runs: bool = False
) -> Iterator[RenderableType]:
    """Yield what a replay found: a paragraph a cause, and what was compared.

    With `of_runs`, nothing is offered that `cnnspec compare RUN RUN` does not take.
    """
    paragraphs = [
        *finding_paragraphs(found.findings, whole=whole, of_runs=of_runs),
        *not_compared_paragraphs(found.coverage, of_runs=of_runs),
    ]
    if paragraphs:
        yield Text("")
        yield Paragraphs(paragraphs, whole)
    yield from follow_lines(found.findings, found.follows, whole=whole)
    yield from coverage_lines(found.comparisons, found.coverage, whole=whole)
    if whole or not paragraphs:
        yield from kink_lines(found.kinks)
    if whole:
        yield QuantitiesTable(found.comparisons)
        yield legend()


def render_training(verdict: Verdict) -> Iterator[RenderableType]:
    """Yield what `cnnspec compare` prints after the training: how it went, and the verdict."""
    trajectory = verdict.trajectory
    if not trajectory:
        yield Text(_why_not_trained(verdict))
        return
    yield from trajectory_parts(trajectory)
    if trajectory.finding:
        yield Text("")
        yield paragraph_of([trajectory.finding])
        yield Text("")
    yield verdict_sentence(verdict)
    if verdict.findings:
        yield Text(headline(verdict.findings[0]))


def _why_not_trained(verdict: Verdict) -> str:
    asked = verdict.provenance
    if any(item.address == TRAINING for item in verdict.coverage.not_compared):
        missing = verdict.coverage.not_compared[-1]
        return f"the training could not be compared: {missing.why}"
    if asked.get("mode") == "replay":
        return "not trained: --mode replay"
    if asked.get("steps") == 0:
        return "not trained: --steps 0"
    return "not trained: the spec has no `data` section"


def verdict_sentence(verdict: Verdict) -> Text:
    """Return the verdict in one sentence."""
    a, b = verdict.backends
    first = verdict.first_divergence
    if verdict.verdict == "same":
        return Text(
            f"SAME: {a} and {b} are the same function on {verdict.name}", style="bold green"
        )
    if first is None:
        sentence = f"DIFFERENT: {_missing(verdict)} of {verdict.name} could not be compared"
    elif first.address == TRAINING:
        sentence = f"DIFFERENT: only one of {a} and {b} can be trained on {verdict.name}"
    elif first.precision == "float64":
        sentence = f"DIFFERENT: {a} and {b} are not the same function on {verdict.name}"
        if first.step:
            sentence += f", seen in step {first.step:,} of the training"
    else:
        sentence = (
            f"DIFFERENT: {_losing(verdict, first)}; in float64 {a} and {b} are the same function "
            f"on {verdict.name}"
        )
    return Text(sentence, style="bold red")


def _missing(verdict: Verdict) -> str:
    """Count the quantities that are missing; a whole pass and the training are not counted."""
    items = [item for item in verdict.coverage.not_compared if not item.allowed]
    quantities = sum(item.quantity is not None for item in items)
    if not quantities:
        return _and(list(dict.fromkeys(words(item.address) for item in items)))
    return f"{quantities} {'quantity' if quantities == 1 else 'quantities'}"


def _losing(verdict: Verdict, first: Finding) -> str:
    """Say which sides lose precision, and in which layers."""
    layers: dict[tuple[str, str], dict[str, None]] = {}
    for finding in verdict.findings or (first,):
        side = finding.wrong_side or sides_words(finding.sides)
        layers.setdefault((side, finding.precision), {})[words(finding.address)] = None
    (side, precision), *others = layers
    losing = f"{side} in {precision} loses precision that rounding does not explain, in " + _and(
        list(layers[side, precision])
    )
    so = (
        f"{side} in {precision}, in {_and(list(layers[side, precision]))}"
        for side, precision in others
    )
    return "; so does ".join((losing, *so))


def _and(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def coverage_lines(
    quantities: Sequence[Comparison], coverage: Coverage, *, whole: bool = False
) -> Iterator[Text]:
    """Yield what was compared, how near it came to its bounds, and what was not, as allowed."""
    beyond = sum(not found.ok for found in quantities)
    if quantities and not beyond:
        top = max(quantities, key=lambda found: found.ratio)
        at = f"{words(top.address)}, {label(top.quantity)}"
        total = f"{len(quantities):,} comparisons within rounding"
        yield Text(f"{total}, at most {top.ratio:.2f} of it: {at}")
    made = f" in {len(quantities):,} comparisons; {beyond:,} beyond rounding" if beyond else ""
    yield Text(_compared(coverage, made, whole=whole), style="dim")
    yield from _untypical(quantities)
    for item in dict.fromkeys(map(_missing_words, _together(coverage, allowed=True))):
        yield Text(f"not compared, as allowed: {item}", style="dim")
    for side in coverage.few:
        yield Text(
            f"{side} takes long for an image: its training steps, its predictions and its own "
            f"precision were tried on {DATA_IMAGES} images at a time",
            style="dim",
        )
    for side, precision in coverage.silent:
        yield Text(
            f"training steps of {side} in {precision}: their bounds say nothing, as rounding may "
            "carry further than they go",
            style="yellow",
        )


def _untypical(quantities: Sequence[Comparison]) -> Iterator[Text]:
    """Warn of errors that are within their bound, and yet greater than they usually are."""
    found = [item for item in quantities if item.ok and (item.typical or 0) > 1]
    if found:
        top = max(found, key=lambda item: item.typical or 0)
        are = "error within its bound is" if len(found) == 1 else "errors within their bounds are"
        yield Text(
            f"{len(found)} {are} above the typical sqrt(k) u S, most of all "
            f"{words(top.address)}, {label(top.quantity)} ({top.precision}, "
            f"{sides_words(top.sides)}): {top.typical:.3g} times",
            style="yellow",
        )


def kink_lines(kinks: Sequence[Kinks]) -> Iterator[Text]:
    """Yield the decisions that rounding may turn."""
    decisions, near = sum(kink.decisions for kink in kinks), sum(kink.near for kink in kinks)
    if decisions:
        deciders = sorted({kink.decider for kink in kinks}, key=lambda word: (len(word), word))
        yield Text(
            f"rounding alone may turn {near:,} of {decisions:,} decisions of {_and(deciders)}: "
            "allowed",
            style="dim",
        )


def _compared(coverage: Coverage, made: str, *, whole: bool) -> str:
    """Count what was compared: in all, or by groups, of which incomplete ones are always named."""
    done, of = (sum(count[at] for count in coverage.counts.values()) for at in (0, 1))
    groups = [
        f"{held} of {all_of} {name}"
        for name, (held, all_of) in coverage.counts.items()
        if whole or held < all_of
    ]
    counted = f"all {of}" if done == of else f"{done} of {of}"
    parts = "" if made else " of layers, loss, optimizer and prediction"
    total = f"compared: {counted} quantities{parts}{made}"
    return f"{total}: {', '.join(groups)}" if groups else total


def not_compared_paragraphs(coverage: Coverage, *, of_runs: bool) -> Iterator[Paragraph]:
    """Yield a paragraph for each reason for which something could not be compared."""
    for group in _together(coverage, allowed=False):
        names = dict.fromkeys(words(item.address) for item in group)
        allow = " ".join(f"--allow {shlex.quote(name)}" for name in names)
        yield Paragraph(
            "not-compared",
            _missing_words(group),
            notes=(group[0].why,),
            help="mend it" if of_runs else f"mend it; or leave it out with {allow}",
        )


def _together(coverage: Coverage, *, allowed: bool) -> list[list[NotCompared]]:
    """Put together what could not be compared for the same reason."""
    groups: dict[str, list[NotCompared]] = {}
    for item in coverage.not_compared:
        if item.allowed == allowed:
            groups.setdefault(item.why, []).append(item)
    return list(groups.values())


def _missing_words(group: list[NotCompared]) -> str:
    by_part: dict[str, list[str]] = {}
    for item in group:
        quantities = by_part.setdefault(words(item.address), [])
        if item.quantity:
            quantities.append(label(item.quantity))
    return "; ".join(
        f"{part} ({', '.join(quantities)})" if quantities else part
        for part, quantities in by_part.items()
    )
