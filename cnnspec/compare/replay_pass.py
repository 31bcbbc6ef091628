"""A side's whole pass against its own parts: that what was judged alone is what trains.

Predicting, tracing and training run the same layers by ways of their own. Here they are
held together, in float64, one side at a time.
"""

from __future__ import annotations

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.compare.budget import Exact, cross_entropy_budgets, unit_roundoff
from cnnspec.compare.isolation import Isolation
from cnnspec.compare.probes import LayerProbe
from cnnspec.compare.replay_layers import layer_budgets
from cnnspec.compare.replay_learning import update_budgets, updated
from cnnspec.compare.side import Side, named
from cnnspec.trace import Array, Trace

PASS = "whole pass"
STEP = "training step"


def replay_pass(
    isolation: Isolation, side: Side, trace: Trace, images: Array, labels: Labels
) -> None:
    """Hold each layer's share of a pass, and the loss, against the same part alone."""
    x = images
    names = list(trace.layers)
    for name, after in zip(names, [*names[1:], None]):
        at = isolation.plan.layer(name)
        grad = trace.layers[after].grad_input if after else trace.loss.grad_logits
        alone = named(side.exact.replay(name, x, grad), at)
        budgets = layer_budgets(side, at, LayerProbe(PASS, x, grad), alone)
        for quantity, value in named(trace.layers[name], at).items():
            _add(isolation, side, name, quantity, value, alone[quantity], 2 * budgets[quantity])
        x = trace.layers[name].output
    loss = side.exact.replay_loss(x, labels)
    of_loss, of_grad = cross_entropy_budgets(x.astype(np.float64), labels, "float64")
    _add(isolation, side, "loss", "loss", trace.loss.loss, loss.loss, 2 * of_loss)
    _add(
        isolation,
        side,
        "loss",
        "grad_logits",
        trace.loss.grad_logits,
        loss.grad_logits,
        2 * of_grad,
    )


def replay_step(isolation: Isolation, side: Side, images: Array, labels: Labels) -> None:
    """Hold a prediction and a training step against the trace of the same batch and an update.

    Both are float64 passes of the same parts, equal to the bit unless they are written in
    different orders; then rounding may grow from layer to layer. What is allowed is float32's
    unit roundoff: 29 of the 53 bits may be lost on the way.
    """
    network, options = side.exact, isolation.training.optimizer
    weights, slots = network.state(), network.optimizer_state()
    rate, plan = options.learning_rate, isolation.plan
    trace = network.trace(images, labels)
    logits = trace.layers[plan.layers[-1].name].output
    predicted = network.predict(images)
    step = network.train_step(images, labels, rate, 1)
    after = network.state() | network.optimizer_state()
    gradients = {
        f"{name}.{parameter}": gradient
        for name, layer in trace.layers.items()
        for parameter, gradient in layer.grad_parameters.items()
    }
    wanted = updated(network, weights, slots, gradients, rate, 1)
    network.load_state(weights)
    network.load_optimizer_state(slots)
    u = unit_roundoff("float32")
    largest = np.full(logits.shape, u * np.max(np.abs(logits), initial=0.0))
    _add(isolation, side, STEP, "predicted logits", predicted, logits, largest)
    _add(isolation, side, STEP, "logits", step.logits, logits, largest)
    of_loss = np.asarray(u * (1 + abs(trace.loss.loss)))
    _add(isolation, side, STEP, "loss", step.loss, trace.loss.loss, of_loss)
    budgets = update_budgets(plan, options, weights, slots, gradients, rate, 1, "float32")
    for name, budget in budgets.items():
        _add(isolation, side, STEP, name, after[name], wanted[name], budget)


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
        backend=side.backend,
        probe=PASS,
        found=found,
        wanted=wanted,
        budget=budget,
    )
