"""How the referee did in its self-test: a table by family, the totals, what it missed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cnnspec.compare.selftest import SelfTest, Trial
from cnnspec.compare.verdict import Verdict
from cnnspec.documents import Document, document
from cnnspec.report.address import sides_words, words
from cnnspec.report.tables import plain_table

LEVELS: dict[str, Callable[[Trial], bool]] = {
    "detected": lambda trial: trial.detected,
    "localised": lambda trial: trial.localised,
    "accused": lambda trial: trial.accused,
    "diagnosed": lambda trial: trial.diagnosed,
}


def render_selftest(result: SelfTest) -> Iterator[RenderableType]:
    """Yield what `cnnspec selftest` prints."""
    yield _sentence(result)
    yield _table(result)
    if result.missed:
        yield Text("Missed:", style="bold")
    for trial in result.missed:
        yield Text(f"  {trial.fault.name} on {trial.spec}: {why_missed(trial)}")
    for alarm in result.false_alarms:
        yield Text(f"false alarm in {alarm.precision}: {_alarm(alarm.verdict)}", style="red")
        yield Text(alarm.spec)


def _sentence(result: SelfTest) -> Text:
    found = (
        f"{result.detected} of {result.planted} planted faults detected, {result.localised} "
        f"localised, {result.accused} laid to the right side, {result.diagnosed} diagnosed; "
        f"{len(result.false_alarms)} false alarms on {result.clean} specs without a fault"
    )
    if result.passed:
        return Text(f"PASSED: {found}", style="bold green")
    return Text(f"FAILED: {found}", style="bold red")


def _table(result: SelfTest) -> Table:
    families: dict[str, list[list[Trial]]] = {}
    for trials in result.by_fault().values():
        families.setdefault(trials[0].fault.family.name, []).append(trials)
    table = plain_table(("planted in", "left"), "faults", *LEVELS)
    for family, faults in families.items():
        counts = (
            str(sum(all(map(right, trials)) for trials in faults)) for right in LEVELS.values()
        )
        table.add_row(family, str(len(faults)), *counts)
    totals = (result.detected, result.localised, result.accused, result.diagnosed)
    table.add_row("all", str(result.planted), *map(str, totals), style="bold")
    return table


def why_missed(trial: Trial) -> str:
    """Say what was said of a fault instead of what is right."""
    place, found = words(trial.place), trial.found
    if found is None:
        return f"not detected; it should be found in {place}"
    said = f"{words(found.address)}, {found.quantity}"
    if not trial.localised:
        return f"localised wrongly: {said}; it should be found in {place}"
    if not trial.accused:
        return f"wrong side not named: {found.wrong_side or 'cannot tell'} ({said})"
    diagnosed = f"diagnosed wrongly: {found.cause.code}" if found.cause else "no cause named"
    return f"{diagnosed} ({said})"


def _alarm(verdict: Verdict) -> str:
    """Say what was found where there is no fault."""
    first = verdict.first_divergence
    if first is None:
        return "; ".join(
            f"{words(item.address)} not compared: {item.why}"
            for item in verdict.coverage.not_compared
        )
    worst = first.worst
    ratio = f", {worst.ratio:.3g} of the budget on `{worst.probe}`" if worst else ""
    sides = sides_words(first.sides)
    return f"{words(first.address)}, {first.quantity}, {first.precision}, {sides}{ratio}"


def selftest_document(result: SelfTest) -> Document:
    """Return what `cnnspec selftest --json` prints."""
    return document(
        "selftest",
        passed=result.passed,
        against=result.against,
        planted=result.planted,
        comparisons=len(result.trials),
        detected=result.detected,
        localised=result.localised,
        accused=result.accused,
        diagnosed=result.diagnosed,
        missed=[
            {"fault": trial.fault.name, "spec": trial.spec, "why": why_missed(trial)}
            for trial in result.missed
        ],
        clean=result.clean,
        false_alarms=[
            {"spec": alarm.spec, "precision": alarm.precision, "why": _alarm(alarm.verdict)}
            for alarm in result.false_alarms
        ],
    )
