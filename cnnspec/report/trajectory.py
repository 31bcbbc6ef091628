"""Two trainings beside each other, for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cnnspec.compare.verdict import Envelope, Trajectory
from cnnspec.report.tables import Dotted, loss_text, percent, plain_table
from cnnspec.report.training import divergence_text
from cnnspec.training import diverged_in, is_far

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
    if trajectory.cut_short:
        yield Text(
            f"The loops take long: these are the first of {trajectory.whole_steps:,} steps, tested "
            f"on {trajectory.test_images:,} images. For more: --steps N, or --epochs N for whole "
            "epochs.",
            style="yellow",
        )
    for name, reason in trajectory.stopped.items():
        yield Text(f"{name} stopped: {reason}", style="red")
    for name in trajectory.accuracy:
        if said := _divergence(trajectory, name):
            yield Text(f"{name} {said}.", style="red")
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


def _divergence(trajectory: Trajectory, name: str) -> str | None:
    """Say where a side's training diverged, if it did."""
    if not trajectory.steps:
        return None
    first, last = trajectory.steps[0], trajectory.steps[-1]
    start = first.loss[name]  # about that of a guess, however many classes there are
    epoch = diverged_in(trajectory.history[name], start=start, classes=2)
    if epoch is not None:
        loss = max(epoch.train_loss, epoch.test_loss)
        return divergence_text(f"epoch {epoch.epoch}", loss, start)
    whole = trajectory.history[name]
    if not whole and is_far(last.loss[name], start=start, classes=2):
        return divergence_text(f"step {last.step:,}", last.loss[name], start)
    return None


def _table(trajectory: Trajectory) -> Table:
    names = list(trajectory.accuracy)
    table = plain_table(("", "left"), *names)
    if trajectory.steps:
        first, last = trajectory.steps[0], trajectory.steps[-1]
        for step in (first, last):
            losses = (loss_text(step.loss[name], 6) for name in names)
            table.add_row(f"batch loss, step {step.step:,}", *losses)
    histories = [trajectory.history[name] for name in names]
    if all(histories):
        table.add_row("train loss, last epoch", *(loss_text(h[-1].train_loss) for h in histories))
    accuracies = (percent(trajectory.accuracy[name]) for name in names)
    table.add_row("test accuracy", *accuracies, style="bold")
    return table


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
    first, second = trajectory.accuracy
    low, high = min(envelope.twin_accuracy), max(envelope.twin_accuracy)
    reached = f" The twins reach {percent(low)} to {percent(high)}."
    jumps = len(envelope.jumps)
    if envelope.outside is None:
        steps = "all but the jumps below" if jumps else "every step"
        yield Text(
            f"Within the rounding envelope of {envelope.twins} twins in {steps}: "
            f"indistinguishable from rounding (at most {envelope.largest:.2f} times the distance "
            f"of the furthest twin).{reached}",
            style="green",
        )
    else:
        yield _outside(trajectory, envelope, reached)
    if jumps:
        yield Text(
            f"{jumps} jump{'s' * (jumps > 1)}: rewound and replayed, every part is within "
            f"rounding; and from {second}'s forward pass, where rounding decided otherwise, "
            f"{first} is led outside, too, and lands where {second} did. From there, twins "
            "started anew."
        )
        yield _jump_table(envelope, first)
    if envelope.left_out:
        yield Text(
            f"Not held against the twins: {', '.join(envelope.left_out)}, whose gradients are "
            "nothing but rounding."
        )


def _outside(trajectory: Trajectory, envelope: Envelope, reached: str) -> Text:
    jumps = {jump.step for jump in envelope.jumps}
    replayed = [f"{step:,}" for step in trajectory.replayed if step not in jumps]
    outside = (
        f"Outside the rounding envelope of {envelope.twins} twins from step "
        f"{envelope.outside:,} ({envelope.parameter}), up to {envelope.largest:.3g} times the "
        f"distance of the furthest twin.{reached} Rewound, and replayed in isolation: "
        f"step{'s' * (len(replayed) > 1)} {', '.join(replayed)}: "
    )
    if trajectory.finding:
        return Text(outside + "not rounding.", style="red")
    first, second = trajectory.accuracy
    own = f" But {first} does not go there from {second}'s forward pass." if envelope.tried else ""
    return Text(
        outside + "all that was compared, and the step itself, taken again by the very networks, "
        f"is within what rounding may do at most.{own} So it may be rounding of another size than "
        "that of the twins, as of sums in another order; or a fault that is smaller than rounding.",
        style="yellow",
    )


def _jump_table(envelope: Envelope, first: str) -> Table:
    title = "Jumps, in distances of the furthest twin"
    table = plain_table(
        "step", ("array", "left"), "led to", f"{first} off", ("turned", "left"), title=title
    )
    for jump in envelope.jumps:
        turned = ", ".join(f"{of.turned:,} of {of.decisions:,} in {of.layer}" for of in jump.turned)
        led, off = (f"{at:.2g}" if at < 10 else f"{at:,.0f}" for at in (jump.ratio, jump.landed))
        table.add_row(f"{jump.step:,}", Dotted(jump.parameter), led, off, turned or "nothing")
    return table


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
