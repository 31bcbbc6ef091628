"""Two trainings beside each other, for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cnnspec.compare.verdict import Envelope, Trajectory
from cnnspec.report.tables import percent, plain_table

MANY_DIGITS = 1e6
"""A loss beyond it is written with a power of ten."""

SHOWN_JUMPS = 3

TITLES = {
    "lockstep": "Lockstep training",
    "resync": "Lockstep training, set to the same state after each step",
    "free": "Free training beside twins",
}


def trajectory_parts(trajectory: Trajectory) -> Iterator[RenderableType]:
    """Yield how two trainings went: losses, accuracies, where they part, and the envelope."""
    yield Text(
        f"{TITLES[trajectory.mode]}: {trajectory.total_steps:,} steps from the same weights on "
        "the same batches",
        style="bold",
    )
    for name, reason in trajectory.stopped.items():
        yield Text(f"{name} stopped: {reason}", style="red")
    yield _table(trajectory)
    if trajectory.envelope:
        yield _envelope_table(trajectory)
    yield Text(parting(trajectory))
    if trajectory.envelope:
        yield from _envelope(trajectory, trajectory.envelope)
    elif trajectory.replayed:
        (step,) = trajectory.replayed
        yield Text(
            f"Step {step:,}, which brought them furthest apart, was replayed in isolation: "
            + ("not rounding." if trajectory.finding else "every part is within rounding."),
            style="red" if trajectory.finding else "green",
        )


def _table(trajectory: Trajectory) -> Table:
    names = list(trajectory.accuracy)
    table = plain_table(("", "left"), *names)
    if trajectory.steps:
        first, last = trajectory.steps[0], trajectory.steps[-1]
        for step in (first, last):
            losses = (_loss(step.loss[name]) for name in names)
            table.add_row(f"batch loss, step {step.step:,}", *losses)
    histories = [trajectory.history[name] for name in names]
    if all(histories):
        table.add_row("train loss, last epoch", *(f"{h[-1].train_loss:.4f}" for h in histories))
    accuracies = (percent(trajectory.accuracy[name]) for name in names)
    table.add_row("test accuracy", *accuracies, style="bold")
    return table


def _loss(loss: float) -> str:
    return f"{loss:.6f}" if abs(loss) < MANY_DIGITS else f"{loss:.6g}"


def _envelope_table(trajectory: Trajectory) -> Table:
    """Return the distances of a few steps, evenly spread over the powers of two."""
    table = plain_table(
        "step", "apart", "twins apart", title="Weights apart, relative, where they are furthest"
    )
    shown, following = [], 1
    for step in trajectory.steps:
        if step.step >= following or step is trajectory.steps[-1]:
            shown.append(step)
            following = 4 * step.step
    for step in shown:
        twins = f"{min(step.twins):.1e} .. {max(step.twins):.1e}" if step.twins else ""
        table.add_row(f"{step.step:,}", f"{step.distance:.1e}", twins)
    return table


def _envelope(trajectory: Trajectory, envelope: Envelope) -> Iterator[RenderableType]:
    accuracies = ""
    if envelope.twin_accuracy:
        low, high = min(envelope.twin_accuracy), max(envelope.twin_accuracy)
        accuracies = f" The twins reach {percent(low)} to {percent(high)}."
    if envelope.outside is None:
        jumps = len(envelope.jumps)
        steps = "every step" if not jumps else f"all but {jumps} step{'s' * (jumps > 1)}"
        yield Text(
            f"Within the rounding envelope of {envelope.twins} twins in {steps}: "
            f"indistinguishable from rounding (at most {envelope.largest:.2f} times the distance "
            f"of the furthest twin).{accuracies}",
            style="green",
        )
        yield from _jumps(trajectory, envelope)
        return
    yield from _jumps(trajectory, envelope)
    explained = {jump.step for jump in envelope.jumps}
    replayed = (f"{step:,}" for step in trajectory.replayed if step not in explained)
    outside = (
        f"Outside the rounding envelope of {envelope.twins} twins from step "
        f"{envelope.outside:,} ({envelope.parameter}), up to {envelope.largest:.3g} times the "
        f"distance of the furthest twin.{accuracies} Rewound, and replayed in isolation: step "
        f"{', '.join(replayed)}: "
    )
    if trajectory.finding:
        yield Text(outside + "not rounding.", style="red")
        return
    yield Text(
        outside + "every part, and the step itself, taken again by the very networks, is within "
        f"what rounding explains. But {next(iter(trajectory.accuracy))} does not take that step "
        "from there just so. It is rounding of another size than that of the twins, as of sums in "
        "another order.",
        style="yellow",
    )


def _jumps(trajectory: Trajectory, envelope: Envelope) -> Iterator[Text]:
    """Yield the steps that led outside and are the first side's own."""
    first, second = trajectory.accuracy
    for jump in envelope.jumps[:SHOWN_JUMPS]:
        turned = ", ".join(
            f"{of.turned:,} of {of.decisions:,} decisions in {of.layer}" for of in jump.turned
        )
        yield Text(
            f"Step {jump.step:,} led {jump.parameter} {jump.ratio:.3g} times as far as the "
            "furthest twin. Rewound: every part of it is within rounding, and given "
            f"{second}'s forward pass, {first} takes the same step (up to {jump.landed:.2g} of a "
            f"twin's distance). Rounding turned {turned or 'no decision'}. From there, {first} "
            f"goes on beside {second} from the same weights, with new twins.",
            style="green",
        )
    more = len(envelope.jumps) - SHOWN_JUMPS
    if more > 0:
        yield Text(f"And {more} more such step{'s' * (more > 1)}.", style="green")


def parting(trajectory: Trajectory) -> str:
    """Say in words where two trainings part."""
    different = (
        f"{trajectory.different_predictions:,} of {trajectory.test_images:,} test images are "
        "classed differently at the end."
    )
    if not trajectory.steps:
        return different
    first, last = trajectory.steps[0], trajectory.steps[-1]
    weights = (
        f"Weights differ by at most {first.weight_difference:.1e} after step {first.step} and "
        f"{last.weight_difference:.1e} after step {last.step:,}. "
    )
    if trajectory.first_different_loss is None:
        return f"Losses are equal to the last bit throughout. {weights}{different}"
    when = trajectory.first_different_prediction
    images = (
        f"a training image is first classed differently in step {when:,}"
        if when
        else "no training image is ever classed differently"
    )
    return (
        f"Losses differ from step {trajectory.first_different_loss:,}{_by(trajectory)}; "
        f"{images}. {weights}{different}"
    )


def _by(trajectory: Trajectory) -> str:
    """Say how far losses are apart where they first are: in that step, or the next one kept."""
    first = trajectory.first_different_loss or 0
    for step in trajectory.steps:
        if step.step >= first:
            a, b = step.loss.values()
            when = "" if step.step == first else f" in step {step.step:,}"
            return f" (by {abs(a - b):.1e}{when})"
    return ""
