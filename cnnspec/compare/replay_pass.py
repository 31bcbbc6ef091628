"""A side's whole pass against its own parts: that what was judged alone is what trains.

Predicting, tracing and training run the same layers by ways of their own. Here they are
held together, in float64, one side at a time.
"""

from __future__ import annotations

import numpy as np

from cnnspec.backends.network import Step
from cnnspec.compare.budget import Exact, cross_entropy_budgets, unit_roundoff
from cnnspec.compare.isolation import Isolation
from cnnspec.compare.probes import LayerProbe
from cnnspec.compare.replay_layers import OWN_WEIGHTS, layer_budgets
from cnnspec.compare.replay_learning import LOSS, GivenUpdate, gradients_of, updated
from cnnspec.compare.side import Side, named
from cnnspec.data import Split
from cnnspec.trace import Array, State, Trace

PASS = "whole pass"
STEP = "training step"
PREDICTED = "predicted logits"


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


def replay_step(isolation: Isolation, side: Side, batch: Split) -> None:
    """Hold a prediction and a training step against the trace of the same batch and an update.

    Both are float64 passes of the same parts, equal to the bit unless they are written in
    different orders; then rounding may grow from layer to layer. What is allowed is float32's
    unit roundoff: 29 of the 53 bits may be lost on the way.
    """
    plan, rate = isolation.plan, isolation.training.optimizer.learning_rate
    moment = isolation.moment
    number, slots = (moment.step, moment.slots) if moment else (1, side.exact.optimizer_state())
    trace, predicted, step, after = _take_step(isolation, side, batch, number, slots)
    logits = trace.layers[plan.layers[-1].name].output
    given = GivenUpdate(side.weights, slots, gradients_of(trace), rate, number)
    wanted = updated(side.exact, given)
    u = unit_roundoff("float32")
    if not plan.buffers:  # else a prediction takes other statistics than a training step
        _add(isolation, side, STEP, PREDICTED, predicted, logits, of_largest(logits))
    _add(isolation, side, STEP, "logits", step.logits, logits, of_largest(logits))
    of_loss = np.asarray(u * (1 + abs(trace.loss.loss)))
    _add(isolation, side, STEP, "loss", step.loss, trace.loss.loss, of_loss)
    for name, budget in given.budgets(plan, isolation.training.optimizer, "float32").items():
        _add(isolation, side, STEP, name, after[name], wanted[name], budget)
    for at in plan.layers:
        for name in at.buffers:
            full, kept = f"{at.name}.{name}", trace.layers[at.name].buffers[name]
            _add(isolation, side, STEP, full, after[full], kept, of_largest(kept))


def _take_step(
    isolation: Isolation, side: Side, batch: Split, number: int, slots: State
) -> tuple[Trace, Array, Step, State]:
    """Trace, predict and train on a batch, each from the same state, which stays."""
    network, images, labels = side.exact, batch.images, batch.labels
    rate, before = isolation.training.optimizer.learning_rate, network.optimizer_state()
    try:
        trace = network.trace(images.copy(), labels)
        for name, array in network.state().items():
            weights = side.weights[name].astype(array.dtype)
            layer, unchanged = name.rpartition(".")[0], np.zeros(array.shape)
            _add(isolation, side, layer, OWN_WEIGHTS, array, weights, unchanged)
        network.load_state(side.weights)
        predicted = network.predict(images.copy())
        network.load_optimizer_state(slots)
        step = network.train_step(images.copy(), labels, rate, number)
        return trace, predicted, step, network.state() | network.optimizer_state()
    finally:
        network.load_state(side.weights)
        network.load_optimizer_state(before)


def replay_prediction(isolation: Isolation, images: Array) -> None:
    """Hold the predictions of both sides together: evaluation mode has no parts to replay."""
    found = {}
    for side in isolation.sides:
        logits = isolation.attempt(STEP, side, side.exact.predict, images.copy())
        if logits is None:
            return
        found[side] = logits
    first, second = (found[side] for side in isolation.sides)
    isolation.ledger.add(
        STEP,
        PREDICTED,
        precision="float64",
        backend=isolation.pair,
        probe=PASS,
        found=first,
        wanted=second,
        budget=of_largest(np.fmin(np.abs(first), np.abs(second)))
        if first.shape == second.shape
        else np.zeros(second.shape),
    )


def of_largest(values: Array) -> Exact:
    """Return float32's unit roundoff of the greatest value, for every value."""
    largest = np.max(np.abs(values), initial=0.0)
    return np.full(values.shape, unit_roundoff("float32") * largest)


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
