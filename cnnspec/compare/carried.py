"""How far rounding may carry through a whole pass: forward, to the loss, and back.

Each layer is given what the one before it made of its own errors (`cnnspec.compare.carry`).
Logits that are off by at most e move the mean cross-entropy by at most 2 e, and the softmax p by
p (exp(2 e) - 1), and by no more than e / 2, as no slope of it is steeper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.compare.budget import Exact
from cnnspec.compare.budget_learning import cross_entropy_budgets
from cnnspec.compare.carry import CARRIES, Weights
from cnnspec.plan import Plan
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
    inputs, logits = _inputs(plan, trace, images)
    errors = [np.zeros(images.shape)]
    buffers = {}
    for at, x in zip(plan.layers, inputs):
        carry = CARRIES[at.kind]
        for name, bound in carry.buffers(at, weights, x, errors[-1]).items():
            buffers[f"{at.name}.{name}"] = bound
        errors.append(carry.forward(at, weights, x, errors[-1]))
    off = errors[-1]
    loss, d = loss_errors(logits, labels, off, weights.precision)
    gradients = _backward(plan, weights, trace, inputs, errors, d)
    return PassErrors(off, loss, gradients, buffers)


def loss_errors(logits: Exact, labels: Labels, off: Exact, precision: str) -> tuple[float, Exact]:
    """Bound the errors of the loss of logits that are off, and of its gradient."""
    own_loss, own_grad = cross_entropy_budgets(logits, labels, precision)
    loss = float(np.mean(2 * off.max(axis=1)) + own_loss)
    return loss, _softmax_error(logits, off) / len(logits) + own_grad


def gradient_errors(
    plan: Plan, weights: Weights, trace: Trace, images: Array, labels: Labels
) -> dict[str, Exact]:
    """Bound the errors of the gradients alone, from activations that are right.

    By the parameters' full names. `trace` is that pass in float64.
    """
    inputs, logits = _inputs(plan, trace, images)
    _, own_grad = cross_entropy_budgets(logits, labels, weights.precision)
    nothing = [np.zeros(x.shape) for x in inputs]
    return _backward(plan, weights, trace, inputs, nothing, own_grad)


def _inputs(plan: Plan, trace: Trace, images: Array) -> tuple[list[Exact], Exact]:
    """Return what each layer received, and the logits."""
    outputs = [trace.layers[at.name].output.astype(np.float64) for at in plan.layers]
    return [images.astype(np.float64), *outputs[:-1]], outputs[-1]


def _backward(
    plan: Plan,
    weights: Weights,
    trace: Trace,
    inputs: Sequence[Exact],
    errors: Sequence[Exact],
    d: Exact,
) -> dict[str, Exact]:
    """Bound the errors of gradients: inputs are off by errors, the gradient of logits by d."""
    upstream = [trace.layers[at.name].grad_input for at in plan.layers[1:]]
    gradients: dict[str, Exact] = {}
    of_layers = zip(plan.layers, inputs, errors, [*upstream, trace.loss.grad_logits])
    for at, x, e, g in reversed(list(of_layers)):
        d, of_parameters = CARRIES[at.kind].backward(at, weights, x, e, g.astype(np.float64), d)
        gradients |= {f"{at.name}.{name}": bound for name, bound in of_parameters.items()}
    return gradients


def prediction_errors(plan: Plan, weights: Weights, images: Array) -> Exact:
    """Bound the errors of logits in evaluation, in a precision."""
    e = np.zeros(images.shape)
    for at, x in zip(plan.layers, weights.evaluated_inputs(images)):
        e = CARRIES[at.kind].predict(at, weights, x, e)
    return e


def _softmax_error(logits: Exact, off: Exact) -> Exact:
    """Bound the error of the softmax of logits that are off."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = shifted / shifted.sum(axis=1, keepdims=True)
    most = off.max(axis=1, keepdims=True)
    with np.errstate(over="ignore"):
        error: Exact = np.minimum(np.minimum(most / 2, 1), p * np.expm1(2 * most))
    return error
