"""A side's whole pass against its own parts, in float64: what was judged alone is the whole."""

from __future__ import annotations

import numpy as np

from cnnspec.compare.budget import Exact, cross_entropy_budgets
from cnnspec.compare.isolation import Isolation
from cnnspec.compare.probes import LayerProbe
from cnnspec.compare.replay_layers import layer_budgets
from cnnspec.compare.replay_learning import LOSS
from cnnspec.compare.side import Side, named
from cnnspec.data import Split
from cnnspec.trace import Array, Trace

PASS = "whole pass"


def replay_pass(isolation: Isolation, side: Side, trace: Trace, batch: Split) -> None:
    """Hold each layer's share of a pass, and the loss, against the same part alone."""
    x, labels = batch.images, batch.labels
    names = list(trace.layers)
    for name, after in zip(names, [*names[1:], None]):
        at = isolation.plan.layer(name)
        grad = trace.layers[after].grad_input if after else trace.loss.grad_logits
        alone = named(side.exact.replay(name, x.copy(), grad.copy()), at)
        side.exact.load_state(side.weights)  # a faulty layer may have changed its own
        budgets = layer_budgets(side, LayerProbe(PASS, at, x, grad), alone)
        for quantity, value in named(trace.layers[name], at).items():
            _add(isolation, side, name, quantity, value, alone[quantity], 2 * budgets[quantity])
        x = trace.layers[name].output
    loss = side.exact.replay_loss(x, labels)
    of_loss, of_grad = cross_entropy_budgets(x.astype(np.float64), labels, "float64")
    found, grad = trace.loss.loss, trace.loss.grad_logits
    _add(isolation, side, LOSS, "loss", found, loss.loss, 2 * of_loss)
    _add(isolation, side, LOSS, "grad_logits", grad, loss.grad_logits, 2 * of_grad)


def _add(
    isolation: Isolation,
    side: Side,
    layer: str,
    quantity: str,
    found: Array | float,
    wanted: Array | float,
    budget: Exact,
) -> None:
    isolation.ledger.add(
        layer,
        quantity,
        precision="float64",
        backend=side.label,
        probe=PASS,
        found=found,
        wanted=wanted,
        budget=budget,
    )
