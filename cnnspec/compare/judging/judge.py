"""The third judge: an implementation that is no side of the comparison, checked by differences.

The textbook loops judge what is computed forward, and where they are a side themselves, the
NumPy engine or torch. What they say of a gradient counts where it agrees with central
differences of their own forward pass: the slope of f(t) = sum of g * forward(theta + t d),
which for a random direction d must be the gradient's product with d.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from cnnspec.backends import LOOPS, builder_of, loops
from cnnspec.compare.bounds.layers import layer_budgets
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.compare.probes.update import GivenUpdate, flat
from cnnspec.compare.replay.learning import updated
from cnnspec.compare.sides.choice import BackendChoice
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.compare.sides.side import Side
from cnnspec.compare.verdict.quantities import grad_inputs_of, named
from cnnspec.errors import BackendError
from cnnspec.numerics.budget import Exact, gamma, unit_roundoff
from cnnspec.plan import Plan
from cnnspec.randomness import stream
from cnnspec.spec.optimizers import AnyOptimizer
from cnnspec.spec.training import Training
from cnnspec.trace import Array, State

JUDGES = {LOOPS: "the textbook loops", "numpy": "the NumPy engine", "torch": "torch"}
"""In the order in which they are asked."""

OUTPUTS = 30_000
"""Outputs of one layer and probe for which the loops are asked: some seconds."""

WHOLE = 10 * OUTPUTS
"""So many if that is the whole probe: a fault may show in large batches alone."""

DISTANCE = 2.0**-10
"""Distance of a central difference, relative to numbers of about 1; a power of two, so that
dividing by it is exact."""


class Judge:
    """A third implementation of every layer, in float64."""

    def __init__(self, plan: Plan, training: Training, backend: str, weights: State) -> None:
        choice = BackendChoice(backend, backend, builder_of(backend))
        self.name = backend
        self.side = Side(plan, training, choice, weights)
        self._seed = training.seed
        self._reached: dict[LayerProbe, LayerProbe] = {}

    def replay(self, probe: LayerProbe) -> dict[str, Array]:
        """Return what is right: every quantity of a layer on a probe."""
        return replayed(self.side, probe)

    def within_reach(self, probes: Iterable[LayerProbe]) -> Iterator[LayerProbe]:
        """Yield probes with as few images as the loops can take; those of one large image not."""
        for probe in probes:
            if probe not in self._reached:
                grad = within(probe.grad_output, max(probe.grad_output[0].size, 1))
                whole = len(grad) == len(probe.grad_output)
                self._reached[probe] = probe if whole else probe.first(len(grad))
            if len(self._reached[probe].grad_output):
                yield self._reached[probe]

    @property
    def words(self) -> str:
        """What people call it."""
        return JUDGES[self.name]

    def checked_by_differences(self, probes: Iterable[LayerProbe], quantity: str) -> str | None:
        """Hold the judge's gradient against differences, and say so; None where they disagree.

        Where every slope jumps or bends, nothing can be measured, and the judge is believed.
        """
        for probe in self.within_reach(probes):
            if probe.name in ("random", "rectangle"):
                agrees = self._agrees(probe, quantity)
                if agrees is not None:
                    words = f"{self.words}, whose gradient agrees with central differences"
                    return words if agrees else None
        return self.words

    def _agrees(self, probe: LayerProbe, quantity: str) -> bool | None:
        """Tell whether a gradient is the slope of the judge's own forward pass.

        The slope is taken at two distances. Where the function is a straight line they are
        equal but for rounding; None where they are not, and differ by more than float32's
        unit roundoff.
        """
        parts = self.replay(probe)
        gradient = parts[quantity].astype(np.float64)
        random = stream(self._seed, "judge", probe.at.name, quantity)
        direction = random.normal(size=gradient.shape)
        far, near = (
            self._slope(probe, quantity, direction, distance)
            for distance in (DISTANCE, DISTANCE / 2)
        )
        expected = float(np.sum(gradient * direction))
        bounds = layer_budgets(self.side, probe, parts)
        upstream = np.abs(probe.grad_output.astype(np.float64))
        output = float(np.sum(upstream * np.abs(parts["output"])))
        rounding = float(np.sum(upstream * bounds["output"]))
        rounding = (rounding + gamma(upstream.size, "float64") * output) / (DISTANCE / 2)
        along = float(np.sum(np.abs(gradient * direction)))
        rounding += float(np.sum(bounds[quantity] * np.abs(direction)))
        rounding += gamma(gradient.size, "float64") * along
        bend = abs(far - near)
        if bend > max(2 * rounding, unit_roundoff("float32") * along):
            return None
        return abs(near - expected) <= rounding + bend

    def _slope(self, probe: LayerProbe, quantity: str, direction: Exact, distance: float) -> float:
        network, names = self.side.networks(probe.alone).exact, grad_inputs_of(probe.at)
        totals = []
        for sign in (1, -1):
            inputs = [x.astype(np.float64) for x in probe.inputs]
            state, moved = self.side.weights_of(probe.at), sign * distance * direction
            if quantity in names:
                inputs[names.index(quantity)] += moved
            else:
                name = quantity.removeprefix("grad_")
                state[name] = state[name] + moved
            trace = network.replay(
                probe.at.name, inputs, probe.grad_output, state=state, noise=probe.noise
            )
            totals.append(float(np.sum(trace.output * probe.grad_output.astype(np.float64))))
        return (totals[0] - totals[1]) / (2 * distance)


def judge_of(isolation: Isolation) -> Judge | None:
    """Return the first judge that is no side of the comparison and can be built here."""
    taken = {side.choice.backend for side in isolation.sides}
    for name in JUDGES:
        if name in taken:
            continue
        try:
            return Judge(isolation.plan, isolation.training, name, isolation.first.weights)
        except BackendError:  # torch is not installed
            continue
    return None


def updated_like(judge: Judge, given: GivenUpdate, options: AnyOptimizer) -> dict[str, Array]:
    """Return the weights and slots after an update of the first SLICE numbers of each.

    An optimizer treats every number alone. What a network wants besides is filled with zeros.
    """
    if judge.name != LOOPS:
        network = judge.side.exact
        shapes = {
            name: array.shape
            for name, array in (network.state() | network.optimizer_state()).items()
        }
        whole = updated(network, given.filled(shapes))
        return {name: flat(array) for name, array in whole.items()}
    weights = {name: array.astype(np.float64) for name, array in given.weights.items()}
    gradients = {name: array.astype(np.float64) for name, array in given.gradients.items()}
    learnt = {name: weights[name] for name in gradients}
    optimizer = loops.OPTIMIZERS[options.keyword](options, learnt)
    for name, slot in optimizer.slots.items():
        slot[...] = given.slots[name]
    optimizer.step(learnt, gradients, given.learning_rate, given.step)
    after: dict[str, Array] = {**weights, **optimizer.slots}
    return after


def replayed(side: Side, probe: LayerProbe) -> dict[str, Array]:
    """Return every quantity of a side's layer on a probe, in float64."""
    return named(side.replay(probe), probe.at)


def within(images: Array, outputs: int) -> Array:
    """Return as many images as the loops can take, which give so many outputs each."""
    return images if len(images) * outputs <= WHOLE else images[: OUTPUTS // outputs]
