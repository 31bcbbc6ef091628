"""The arrays with which a failure shows: as few images and as simple numbers as will do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cnnspec.address import Layer
from cnnspec.backends.raised import cannot
from cnnspec.compare.bounds.layers import magnitudes, pair_budgets
from cnnspec.compare.judging.judge import replayed
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.compare.replay.probes import probes_of
from cnnspec.compare.sides.choice import BackendChoice
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.compare.sides.side import probe_weights
from cnnspec.compare.verdict import Finding
from cnnspec.compare.verdict.measure import measure
from cnnspec.plan import Plan, resolve
from cnnspec.spec.model import ModelSpec
from cnnspec.trace import Array, State


@dataclass(frozen=True)
class LayerCase:
    """A layer on which two sides differ, in float64."""

    layer: str
    quantity: str
    state: State
    """Parameters and buffers, by their names within the layer."""
    inputs: tuple[Array, ...]
    grad_output: Array
    noise: NDArray[np.bool] | None
    """The mask of a layer that draws one."""
    budget: float
    """What rounding explains at the worst element."""


def layer_case(
    spec: ModelSpec, choices: tuple[BackendChoice, BackendChoice], finding: Finding
) -> LayerCase | None:
    """Return the simplest arrays that show a finding; None where none was found.

    Images are left out and numbers rounded as long as the two sides still differ.
    """
    plan = resolve(spec)
    if not isinstance(finding.address, Layer):
        return None
    weights = probe_weights(plan, spec.training.seed)
    for simple in (_whole, _tenths, _as_it_is):
        state = {name: simple(array) for name, array in weights.items()}
        isolation = Isolation(plan, spec.training, choices, state)
        with np.errstate(all="ignore"):
            for probe in _fewer_images(isolation, plan, finding, simple):
                budget = _apart(isolation, probe, finding.quantity)
                if budget is not None:
                    own = isolation.first.weights_of(probe.at)
                    found = (probe.inputs, probe.grad_output, probe.noise, budget)
                    return LayerCase(finding.address.path, finding.quantity, own, *found)
    return None


def _fewer_images(
    isolation: Isolation, plan: Plan, finding: Finding, simple: Callable[[Array], Array]
) -> Iterator[LayerProbe]:
    whole = probes_of(isolation, None)
    probes = [probe for probe in whole.of(finding.address) if probe.alone is None]
    for images in range(1, 1 + max(len(probe.grad_output) for probe in probes)):
        for probe in probes:
            if images <= len(probe.grad_output):
                few = probe.first(images)
                inputs = tuple(map(simple, few.inputs))
                yield replace(few, inputs=inputs, grad_output=simple(few.grad_output))


def _apart(isolation: Isolation, probe: LayerProbe, quantity: str) -> float | None:
    """Return what rounding explains where two sides differ by more; None where they do not."""
    try:
        parts = {side: replayed(side, probe) for side in isolation.sides}
        sums = {side: magnitudes(side, probe) for side in isolation.sides}
    except Exception as error:  # a faulty layer raises whatever it likes, here on fewer images
        if not cannot(error):
            raise
        return None
    budgets = pair_budgets(probe, parts, sums)
    first, second = (parts[side][quantity] for side in isolation.sides)
    measured = measure(first, second, budgets[quantity])
    return None if measured.ok else measured.budget


def _whole(array: Array) -> Array:
    return np.rint(array) + 0.0  # -0.0 would be no simple number


def _tenths(array: Array) -> Array:
    return np.round(array.astype(np.float64), 1) + 0.0


def _as_it_is(array: Array) -> Array:
    return array
