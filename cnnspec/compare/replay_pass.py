"""A side's whole pass against its own parts: what was judged alone is the whole.

In float64, and in the precision in which it trains: there a pass may go other ways.
"""

from __future__ import annotations

import numpy as np

from cnnspec.address import LOSS, Address, Layer
from cnnspec.backends.network import Labels, Network
from cnnspec.compare.budget import Exact, unit_roundoff
from cnnspec.compare.carry import Weights
from cnnspec.compare.isolation import Isolation
from cnnspec.compare.kinds import LAYERS
from cnnspec.compare.kinds import LOSS as LOSS_KIND
from cnnspec.compare.probes import LayerProbe
from cnnspec.compare.replay_layers import layer_budgets, of_shape
from cnnspec.compare.side import WORKING, Side, named
from cnnspec.data import Split
from cnnspec.trace import Array, Trace

WHOLE_PASS = "whole pass"
"""What the inputs are called that a part receives within a pass."""


def replay_pass(isolation: Isolation, side: Side, trace: Trace, batch: Split) -> None:
    """Hold each layer's share of a pass, and the loss, against the same part alone.

    `trace` is that of the side's exact network.
    """
    answering = side.answering()
    if WORKING in answering and "autocast" not in side.party.options:
        working = answering[WORKING]
        seen = working.trace(batch.images.copy(), batch.labels)
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
        x, labels = batch.images, batch.labels
        names = list(trace.layers)
        for name, after in zip(names, [*names[1:], None]):
            at = self._isolation.plan.layer(name)
            grad = trace.layers[after].grad_input if after else trace.loss.grad_logits
            alone = named(self._network.replay(name, x.copy(), grad.copy()), at)
            self._network.load_state(self._side.weights)
            bounds = self._bounds(LayerProbe(WHOLE_PASS, at, x, grad), alone)
            for quantity, value in named(trace.layers[name], at).items():
                self._add(Layer(name), quantity, value, alone[quantity], 2 * bounds[quantity])
            x = trace.layers[name].output
        loss = self._network.replay_loss(x, labels)
        of_loss, of_grad = self._bounds_of_loss(x.astype(np.float64), labels)
        self._add(LOSS, "loss", trace.loss.loss, loss.loss, np.asarray(2 * of_loss))
        self._add(LOSS, "grad_logits", trace.loss.grad_logits, loss.grad_logits, 2 * of_grad)

    def _bounds(self, probe: LayerProbe, alone: dict[str, Array]) -> dict[str, Exact]:
        return layer_budgets(self._side, probe, alone)

    def _bounds_of_loss(self, logits: Exact, labels: Labels) -> tuple[Exact | float, Exact]:
        return LOSS_KIND.budgets(logits, labels, self._precision)

    def _add(
        self,
        address: Address,
        quantity: str,
        found: Array | float,
        wanted: Array | float,
        budget: Exact,
    ) -> None:
        self._isolation.ledger.add(
            address,
            quantity,
            precision=self._precision,
            backend=self._side.label,
            probe=WHOLE_PASS,
            found=found,
            wanted=wanted,
            budget=budget,
        )


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
        x, g = probe.x.astype(np.float64), probe.grad_output.astype(np.float64)
        e, d = self._rounding(x), self._rounding(g)
        grad_input, of_parameters = kind.backward(at, weights, x, e, g, d)
        return {
            "output": kind.forward(at, weights, x, e)
            + self._rounding(of_shape(alone["output"], g.shape)),
            "grad_input": grad_input + self._rounding(of_shape(alone["grad_input"], x.shape)),
            **{f"grad_{name}": bound for name, bound in of_parameters.items()},
            **kind.buffers(at, weights, x, e),
        }

    def _bounds_of_loss(self, logits: Exact, labels: Labels) -> tuple[Exact | float, Exact]:
        return LOSS_KIND.carried(logits, labels, self._rounding(logits), self._precision)

    def _rounding(self, array: Array) -> Exact:
        return unit_roundoff(self._precision) * np.abs(array.astype(np.float64))
