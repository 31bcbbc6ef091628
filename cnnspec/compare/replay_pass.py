"""A side's whole pass against its own parts: what was judged alone is the whole.

In float64, and in the precision in which it trains: there a pass may go other ways.
"""

from __future__ import annotations

import numpy as np

from cnnspec.backends.network import Network
from cnnspec.compare.budget import Exact, cross_entropy_budgets
from cnnspec.compare.isolation import Isolation
from cnnspec.compare.probes import LayerProbe
from cnnspec.compare.replay_layers import layer_budgets
from cnnspec.compare.replay_learning import LOSS
from cnnspec.compare.side import WORKING, Side, named
from cnnspec.data import Split
from cnnspec.trace import Array, Trace

PASS = "whole pass"


def replay_pass(isolation: Isolation, side: Side, trace: Trace, batch: Split) -> None:
    """Hold each layer's share of a pass, and the loss, against the same part alone.

    `trace` is that of the side's exact network.
    """
    for kind, network in side.answering().items():
        if kind == WORKING:
            if "autocast" in side.party.options:
                continue  # between its parts numbers are coarser than what parts alone are given
            trace = network.trace(batch.images.copy(), batch.labels)
            network.load_state(side.weights)  # a faulty layer may have changed its own
        precision = side.precision if kind == WORKING else "float64"
        _Parts(isolation, side, network, precision).hold(trace, batch)


class _Parts:
    """The parts of one network, each alone."""

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
            probe = LayerProbe(PASS, at, x, grad)
            budgets = layer_budgets(self._side, probe, alone, self._precision)
            for quantity, value in named(trace.layers[name], at).items():
                self._add(name, quantity, value, alone[quantity], 2 * budgets[quantity])
            x = trace.layers[name].output
        loss = self._network.replay_loss(x, labels)
        budgets_of_loss = cross_entropy_budgets(x.astype(np.float64), labels, self._precision)
        self._add(LOSS, "loss", trace.loss.loss, loss.loss, 2 * budgets_of_loss[0])
        found = trace.loss.grad_logits
        self._add(LOSS, "grad_logits", found, loss.grad_logits, 2 * budgets_of_loss[1])

    def _add(
        self,
        layer: str,
        quantity: str,
        found: Array | float,
        wanted: Array | float,
        budget: Exact,
    ) -> None:
        self._isolation.ledger.add(
            layer,
            quantity,
            precision=self._precision,
            backend=self._side.label,
            probe=PASS,
            found=found,
            wanted=wanted,
            budget=budget,
        )
