"""How far rounding may carry through a whole pass: forward, to the loss, and back.

Each layer is given what the one before it made of its own errors: see `forward` and `backward`
of `cnnspec.compare.kinds.layer`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnnspec.backends.network import Labels
from cnnspec.compare.budget import Exact
from cnnspec.compare.carry import Weights
from cnnspec.compare.kinds import LAYERS, LOSS
from cnnspec.plan import INPUT, Plan
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
        kind = LAYERS[at.kind]
        for name, bound in kind.buffers(at, weights, x, errors[-1]).items():
            buffers[f"{at.name}.{name}"] = bound
        errors.append(kind.forward(at, weights, x, errors[-1]))
    off = errors[-1]
    loss, d = LOSS.carried(logits, labels, off, weights.precision)
    gradients = _backward(plan, weights, trace, inputs, errors, d)
    return PassErrors(off, loss, gradients, buffers)


def gradient_errors(
    plan: Plan, weights: Weights, trace: Trace, images: Array, labels: Labels
) -> dict[str, Exact]:
    """Bound the errors of the gradients alone, from activations that are right.

    By the parameters' full names. `trace` is that pass in float64.
    """
    inputs, logits = _inputs(plan, trace, images)
    _, own_grad = LOSS.budgets(logits, labels, weights.precision)
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
        d, of_parameters = LAYERS[at.kind].backward(at, weights, x, e, g.astype(np.float64), d)
        gradients |= {f"{at.name}.{name}": bound for name, bound in of_parameters.items()}
    return gradients


def prediction_errors(plan: Plan, weights: Weights, images: Array) -> Exact:
    """Bound the errors of logits in evaluation, in a precision."""
    values = {INPUT: images.astype(np.float64), **weights.evaluated(images)}
    errors = {INPUT: np.zeros(images.shape)}
    for at in plan.layers:
        (source,) = at.inputs
        errors[at.name] = LAYERS[at.kind].predict(at, weights, values[source], errors[source])
    return errors[plan.layers[-1].name]
