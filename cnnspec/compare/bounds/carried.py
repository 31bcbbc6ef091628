"""How far rounding may carry through a whole pass: forward, to the loss, and back.

Each layer is given what the one before it made of its own errors: see `forward` and `backward`
of `cnnspec.compare.kinds.layer`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.compare.faults.fault import LossSituation
from cnnspec.compare.kinds import LAYERS, LOSSES
from cnnspec.compare.kinds.weights import Weights
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.numerics.budget import Exact, sum_budget
from cnnspec.plan import INPUT, Plan, PlannedLayer
from cnnspec.trace import Array, Trace


@dataclass(frozen=True)
class PassErrors:
    """What a training pass may be off by."""

    logits: Exact
    loss: float
    gradients: dict[str, Exact]
    """By the parameters' full names."""
    buffers: dict[str, Exact]
    """By their full names."""


def pass_errors(
    plan: Plan, weights: Weights, trace: Trace, images: Array, labels: Labels
) -> PassErrors:
    """Bound the errors of a training pass in a precision, whatever the order of its sums.

    `trace` is that pass in float64.
    """
    errors, buffers = {INPUT: np.zeros(images.shape)}, {}
    for at in plan.layers:
        kind, inputs, off = LAYERS[at.kind], _exact(trace.layers[at.name].inputs), _of(at, errors)
        if at.buffers:
            for name, bound in kind.buffers(at, weights, *inputs, *off).items():
                buffers[f"{at.name}.{name}"] = bound
        errors[at.name] = kind.errors_ahead(at, weights, inputs, off, training=True)
    last = plan.layers[-1].name
    loss, d = _loss_errors(weights, trace.layers[last].output, labels, errors[last])
    gradients = _backward(plan, weights, trace, errors, d)
    return PassErrors(errors[last], loss, gradients, buffers)


def gradient_errors(plan: Plan, weights: Weights, trace: Trace, labels: Labels) -> dict[str, Exact]:
    """Bound the errors of the gradients alone, from activations that are right.

    By the parameters' full names. `trace` is that pass in float64.
    """
    logits = trace.layers[plan.layers[-1].name].output
    _, own_grad = _loss_errors(weights, logits, labels, np.zeros(logits.shape))
    shapes = {INPUT: plan.input} | {at.name: at.output for at in plan.layers}
    right = {name: np.zeros((len(logits), *shape)) for name, shape in shapes.items()}
    return _backward(plan, weights, trace, right, own_grad)


def _loss_errors(
    weights: Weights, logits: Array, labels: Labels, off: Exact
) -> tuple[float, Exact]:
    options = weights.training.loss
    given = LossSituation(options, "", logits.astype(np.float64), labels)
    return LOSSES[options.keyword].errors(given, off, weights.precision)


def _backward(
    plan: Plan, weights: Weights, trace: Trace, errors: Mapping[str, Exact], d: Exact
) -> dict[str, Exact]:
    """Bound the errors of gradients: outputs are off by errors, the gradient of logits by d."""
    sent: dict[str, list[tuple[Array, Exact]]] = {at.name: [] for at in plan.layers}
    sent[INPUT] = []
    sent[plan.layers[-1].name].append((trace.loss.grad_logits, d))
    gradients: dict[str, Exact] = {}
    for at in reversed(plan.layers):
        seen = trace.layers[at.name]
        off = _added(sent.pop(at.name), weights.precision)
        inputs, g = _exact(seen.inputs), seen.grad_output.astype(np.float64)
        back, of_parameters = LAYERS[at.kind].errors_back(
            at, weights, inputs, _of(at, errors), g, off
        )
        gradients |= {f"{at.name}.{name}": bound for name, bound in of_parameters.items()}
        for source, pair in zip(at.inputs, zip(seen.grad_inputs, back)):
            sent[source].append(pair)
    return gradients


def _added(sent: Sequence[tuple[Array, Exact]], precision: str) -> Exact:
    """Bound the error of a sum of gradients, each with its own, in whatever order it is taken."""
    (first, error), *others = sent
    size = np.abs(first.astype(np.float64)) + error
    for gradient, off in others:
        size, error = size + np.abs(gradient) + off, error + off
    return error + sum_budget(len(others), size, size, precision)


def _exact(arrays: Sequence[Array]) -> list[Exact]:
    return [array.astype(np.float64) for array in arrays]


def _of(at: PlannedLayer, errors: Mapping[str, Exact]) -> list[Exact]:
    return [errors[source] for source in at.inputs]


def prediction_errors(plan: Plan, weights: Weights, images: Array) -> Exact:
    """Bound the errors of logits in evaluation, in a precision."""
    values = {INPUT: images.astype(np.float64), **weights.evaluated(images)}
    errors = {INPUT: np.zeros(images.shape)}
    for at in plan.layers:
        inputs = [values[source] for source in at.inputs]
        errors[at.name] = LAYERS[at.kind].errors_ahead(
            at, weights, inputs, _of(at, errors), training=False
        )
    return errors[plan.layers[-1].name]


def prediction_budget(isolation: Isolation, images: Array) -> Exact:
    """Return how far the predictions of two sides may be apart in float64."""
    weights = Weights(isolation.plan, isolation.training, "float64")
    weights.load(isolation.first.weights)
    return 2 * prediction_errors(isolation.plan, weights, images)
