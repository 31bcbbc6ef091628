"""A side of a comparison: its networks, and the parts of them by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from cnnspec.address import Address
from cnnspec.backends.network import Network
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.compare.sides.choice import BackendChoice
from cnnspec.compare.sides.effort import NUMBERS, Effort, outputs_of
from cnnspec.initial import initial_weights
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.randomness import stream
from cnnspec.spec.initializations import DEFAULT_INITIALIZATION
from cnnspec.spec.training import Precision, Training
from cnnspec.trace import Array, LayerTrace, State

EXACT, WORKING = "exact", "working"
"""The two networks that answer: same function? and how accurate?"""


@dataclass(frozen=True)
class Networks:
    """Networks of one plan, with the same weights."""

    exact: Network
    """In float64."""
    working: Network
    """In the precision in which the side trains."""
    for_sums: Network
    """In float64, without the backend's options: what sums of magnitudes are asked of."""


@dataclass(frozen=True)
class Answer:
    """What a network gave for a layer alone, and what became of its own weights."""

    trace: LayerTrace
    after: Mapping[str, Array] | None = None
    """Its state, where the pass has changed it."""


class Side:
    """The networks of a chosen backend, whole and layer by layer, all with the same weights."""

    def __init__(
        self, plan: Plan, training: Training, choice: BackendChoice, weights: State
    ) -> None:
        self.choice, self.label = choice, choice.label
        self.precision = choice.working_precision(training)
        self.weights = weights
        self._training = training
        self._alone: dict[str, Networks] = {}
        self._answers: dict[LayerProbe, dict[str, Answer]] = {}
        self.whole = self._networks(plan)
        self.exact = self.whole.exact
        self.effort = Effort(NUMBERS // outputs_of(plan))
        """What it may be asked, once it is known what an image costs it."""

    def networks(self, alone: Plan | None) -> Networks:
        """Return the networks of a plan that has one layer of the whole in another size."""
        if alone is None:
            return self.whole
        name = alone.layers[0].name
        if name not in self._alone:
            self._alone[name] = self._networks(alone)
        return self._alone[name]

    def answering(self, alone: Plan | None = None) -> dict[str, Network]:
        """Return the networks that are asked: the exact one, and the working one if it is another.

        Those of the whole plan, or of one layer alone.
        """
        networks = self.networks(alone)
        working = {WORKING: networks.working} if self.precision != "float64" else {}
        return {EXACT: networks.exact} | working

    def weights_of(self, at: PlannedLayer) -> dict[str, Array]:
        """Return a layer's parameters and buffers by their own names (`weight`)."""
        return {name: self.weights[f"{at.name}.{name}"] for name in at.state}

    def replay(self, probe: LayerProbe, network: str = EXACT) -> LayerTrace:
        """Return what a layer alone gives on a probe, with the weights of this comparison.

        A network that was asked on this probe is not asked again.
        """
        kept = self.answer(probe, network)
        if kept is None:
            trace = self.answering(probe.alone)[network].replay(
                probe.at.name,
                [x.copy() for x in probe.inputs],
                probe.grad_output.copy(),
                state=self.weights_of(probe.at),
                noise=probe.noise,
            )
            kept = Answer(trace)
            self.keep(probe, network, kept)
        return kept.trace

    def answer(self, probe: LayerProbe, network: str) -> Answer | None:
        """Return what a network was asked, and what it answered, if it was."""
        return self._answers.get(probe, {}).get(network)

    def keep(self, probe: LayerProbe, network: str, answer: Answer) -> None:
        """Keep an answer."""
        self._answers.setdefault(probe, {})[network] = answer

    def asked(self) -> list[LayerProbe]:
        """Return the probes on which it was asked, in their order."""
        return list(self._answers)

    def forget(self, address: Address) -> None:
        """Forget the answers of a part, of which nothing more will be asked."""
        for probe in [probe for probe in self._answers if probe.address == address]:
            del self._answers[probe]

    def _networks(self, plan: Plan) -> Networks:
        def network(choice: BackendChoice, precision: Precision) -> Network:
            built = choice.build(plan, self._training, precision)
            built.load_state({name: self.weights[name] for name in plan.state})
            return built

        return Networks(
            network(self.choice, "float64"),
            network(self.choice, self.precision),
            network(self.choice.without_options(), "float64"),
        )


def probe_weights(plan: Plan, seed: int) -> State:
    """Draw the weights on which parts are compared: float32 numbers, none of them constant.

    A spec may start from biases of 0, scales of 1 and the like, which would hide a bias that
    is never added and a scale that is never applied.
    """
    weights = initial_weights(replace(plan, initialization=DEFAULT_INITIALIZATION), seed)
    for name, array in weights.items():
        if np.all(array == array.flat[0]):
            drawn = stream(seed, "probe", "weights", name).uniform(0.5, 1.5, array.shape)
            weights[name] = drawn.astype(np.float32)
    return weights


def arrays_differ(before: Mapping[str, Array], after: Mapping[str, Array]) -> list[str]:
    """Name the arrays of a state that are not what they were, to the bit."""
    return [name for name, array in before.items() if not np.array_equal(array, after[name], True)]
