"""Why a layer does not receive what others give it, where an output has several readers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cnnspec.address import Layer
from cnnspec.compare.causes.help import known_cause
from cnnspec.compare.replay.probes import Probes
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.compare.sides.side import Side
from cnnspec.compare.verdict import Cause, Comparison
from cnnspec.compare.verdict.quantities import SENT_BACK, WHOLE_PASS, named
from cnnspec.noise import Masks
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.trace import Array, Trace


def spoilt_way(isolation: Isolation, probes: Probes, found: Comparison) -> Cause | None:
    """Name the reader that spoils what flows in a whole pass; None where none gives its numbers."""
    (label,) = found.sides
    trace = probes.traces.get(label)
    if trace is None or not isinstance(found.address, Layer) or found.probe != WHOLE_PASS:
        return None
    plan, at = isolation.plan, isolation.plan.layer(found.address.path)
    if found.quantity == SENT_BACK:
        return _of_one_reader(plan, trace, at)
    (side,) = (side for side in isolation.sides if side.label == label)
    masks = isolation.masks(len(probes.batch), isolation.first_step)
    return _overwritten(plan, side, trace, at, found.quantity, masks)


def _of_one_reader(plan: Plan, trace: Trace, at: PlannedLayer) -> Cause | None:
    """Suppose the gradient of one reader, where those of all are to be added."""
    gradient = trace.layers[at.name].grad_output
    sent = [
        (reader.name, grad)
        for reader in plan.layers
        for source, grad in zip(reader.inputs, trace.layers[reader.name].grad_inputs)
        if source == at.name
    ]
    for name, grad in sent:
        if len(sent) > 1 and np.array_equal(gradient, grad):
            return known_cause(
                "gradient-of-one-reader",
                f"the gradient that {name} sends back is taken alone; those of all {len(sent)} "
                f"readers of {at.name} are to be added",
            )
    return None


def _overwritten(
    plan: Plan, side: Side, trace: Trace, at: PlannedLayer, quantity: str, masks: Masks
) -> Cause | None:
    """Suppose that another layer works in place on what this one reads after it."""
    seen, own = trace.layers[at.name], side.weights_of(at)
    noise = masks.get(at.name)
    for number, name, output in _earlier_readers(plan, trace, at):
        given = [x.copy() for x in seen.inputs]
        given[number] = output.copy()
        grad = seen.grad_output.copy()
        alone = side.exact.replay(at.name, given, grad, state=own, noise=noise)
        if np.array_equal(named(alone, at)[quantity], named(seen, at)[quantity]):
            source = at.inputs[number]
            return known_cause(
                "overwritten-by-a-reader",
                f"{name} works in place on the output of {source}, which {at.name} reads after it",
            )
    return None


def _earlier_readers(
    plan: Plan, trace: Trace, at: PlannedLayer
) -> Iterator[tuple[int, str, Array]]:
    """Yield layers that read an input of a layer before it does, and give its shape.

    Each with the number of that input, and with what it gives.
    """
    earlier = plan.layers[: plan.layers.index(at)]
    for number, (source, shape) in enumerate(zip(at.inputs, at.input_shapes)):
        for other in earlier:
            if source in other.inputs and other.output == shape:
                yield number, other.name, trace.layers[other.name].output
