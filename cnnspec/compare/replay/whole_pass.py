"""A side's whole pass against its own parts: what was judged alone is the whole.

In float64, and in the precision in which it trains: there a pass may go other ways.
"""

from __future__ import annotations

from functools import reduce

import numpy as np

from cnnspec.address import LOSS, Address, Layer
from cnnspec.backends.network import Batch, Network
from cnnspec.compare.bounds.layers import layer_budgets, of_shape
from cnnspec.compare.faults.fault import LossSituation
from cnnspec.compare.kinds import LAYERS, LOSSES
from cnnspec.compare.kinds.weights import Weights
from cnnspec.compare.probes.layer import LayerProbe
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.compare.sides.side import WORKING, Side
from cnnspec.compare.verdict import Question
from cnnspec.compare.verdict.quantities import (
    RECEIVED,
    SENT_BACK,
    WHOLE_PASS,
    grad_inputs_of,
    named,
)
from cnnspec.data import Split
from cnnspec.numerics.budget import Exact, sum_budget, unit_roundoff
from cnnspec.plan import INPUT
from cnnspec.trace import Array, Trace


def replay_pass(isolation: Isolation, side: Side, trace: Trace, batch: Split) -> None:
    """Hold each layer's share of a pass, and the loss, against the same part alone.

    `trace` is that of the side's exact network.
    """
    answering = side.answering()
    if WORKING in answering and "autocast" not in side.choice.options:
        working = answering[WORKING]
        seen = working.trace(Batch(batch.images.copy(), batch.labels), step=isolation.first_step)
        working.load_state(side.weights)  # a faulty layer may have changed its own
        _WorkingPass(isolation, side, working, side.precision).hold(seen, batch)
    _Pass(isolation, side, side.exact, "float64").hold(trace, batch)


class _Pass:
    """A pass of one network, whose parts are asked alone."""

    def __init__(self, isolation: Isolation, side: Side, network: Network, precision: str) -> None:
        self._isolation, self._side = isolation, side
        self._network, self._precision = network, precision

    def hold(self, trace: Trace, batch: Split) -> None:
        """Hold a pass of the network against its parts."""
        plan, labels = self._isolation.plan, batch.labels
        masks = self._isolation.masks(len(batch), self._isolation.first_step)
        self._hold_ways(trace, batch.images)
        for at in plan.layers:
            seen = trace.layers[at.name]
            inputs, grad = [x.copy() for x in seen.inputs], seen.grad_output.copy()
            state, noise = self._side.weights_of(at), masks.get(at.name)
            replayed = self._network.replay(at.name, inputs, grad, state=state, noise=noise)
            alone = named(replayed, at)
            probe = LayerProbe(WHOLE_PASS, at, seen.inputs, seen.grad_output, noise)
            bounds = self._bounds(probe, alone)
            for quantity, value in named(seen, at).items():
                self._add(Layer(at.name), quantity, value, alone[quantity], 2 * bounds[quantity])
        logits = trace.layers[plan.layers[-1].name].output
        loss = self._network.replay_loss(logits, labels)
        options = self._isolation.training.loss
        given = LossSituation(options, WHOLE_PASS, logits.astype(np.float64), labels)
        off = self._rounding(given.logits)
        of_loss, of_grad = LOSSES[options.keyword].errors(given, off, self._precision)
        self._add(LOSS, "loss", trace.loss.loss, loss.loss, np.asarray(2 * of_loss))
        self._add(LOSS, "grad_logits", trace.loss.grad_logits, loss.grad_logits, 2 * of_grad)

    def _hold_ways(self, trace: Trace, images: Array) -> None:
        """Hold what each layer received against what the others gave: forward, and back.

        Along a chain that is one array by two names: it is only told where it is not.
        """
        layers = self._isolation.plan.layers
        sent = {at.name: list[Array]() for at in layers} | {INPUT: []}
        sent[layers[-1].name].append(trace.loss.grad_logits)
        for at in layers:
            seen = trace.layers[at.name]
            for source, x, grad in zip(at.inputs, seen.inputs, seen.grad_inputs):
                given = images if source == INPUT else trace.layers[source].output
                if len(at.inputs) > 1 or not np.array_equal(x, given, equal_nan=True):
                    self._add(Layer(at.name), RECEIVED, x, given, self._rounding(given))
                sent[source].append(grad)
        for at in layers:
            grads, found = sent[at.name], trace.layers[at.name].grad_output
            total, size = reduce(np.add, grads), reduce(np.add, map(np.abs, grads))
            own = sum_budget(len(grads) - 1, size, total, self._precision)
            if len(grads) > 1 or not np.array_equal(found, total, equal_nan=True):
                self._add(Layer(at.name), SENT_BACK, found, total, 2 * own + self._rounding(total))

    def _rounding(self, array: Array) -> Exact:
        """Return what is lost where an array is shown."""
        return np.zeros(array.shape)

    def _bounds(self, probe: LayerProbe, alone: dict[str, Array]) -> dict[str, Exact]:
        return layer_budgets(self._side, probe, alone)

    def _add(
        self,
        address: Address,
        quantity: str,
        found: Array | float,
        wanted: Array | float,
        budget: Exact,
    ) -> None:
        sides = (self._side.label,)
        asked = Question(address, quantity, self._precision, sides, WHOLE_PASS)
        self._isolation.ledger.add(asked, found, wanted, budget)


class _WorkingPass(_Pass):
    """A pass in the working precision.

    From layer to layer it may hand on more digits than it shows: what a part alone is given is
    off by a rounding.
    """

    def __init__(self, isolation: Isolation, side: Side, network: Network, precision: str) -> None:
        super().__init__(isolation, side, network, precision)
        self._weights = Weights(isolation.plan, isolation.training, precision)
        self._weights.load(side.weights)

    def _bounds(self, probe: LayerProbe, alone: dict[str, Array]) -> dict[str, Exact]:
        at, kind, weights = probe.at, LAYERS[probe.at.kind], self._weights
        weights.masks = {} if probe.noise is None else {at.name: probe.noise}
        inputs = [x.astype(np.float64) for x in probe.inputs]
        g = probe.grad_output.astype(np.float64)
        e, d = list(map(self._rounding, inputs)), self._rounding(g)
        grad_inputs, of_parameters = kind.errors_back(at, weights, inputs, e, g, d)
        output = kind.errors_ahead(at, weights, inputs, e, training=True)
        bounds = {"output": output, **dict(zip(grad_inputs_of(at), grad_inputs))}
        return {
            **{
                quantity: bound + self._rounding(of_shape(alone[quantity], bound.shape))
                for quantity, bound in bounds.items()
            },
            **{f"grad_{name}": bound for name, bound in of_parameters.items()},
            **(kind.buffers(at, weights, *inputs, *e) if at.buffers else {}),
        }

    def _rounding(self, array: Array) -> Exact:
        return unit_roundoff(self._precision) * np.abs(array.astype(np.float64))
