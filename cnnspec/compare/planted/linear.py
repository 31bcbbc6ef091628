"""Faults planted into linear layers. Arrays are the engine's: features (f, n)."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.numpy.linear import LinearNumPy
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.families import LayerFamily
from cnnspec.compare.planted.mistakes import (
    accumulated,
    all_zeros,
    ascends,
    averaged,
    divided_by_batch,
    has_bias,
    in_float16,
    learns,
    without_bias,
)
from cnnspec.compare.planted.wrong import received, stale
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import Linear
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


def drawn(draw: Draw, input: Shape) -> Linear:
    """Draw a linear layer."""
    return Linear(
        out_features=draw.whole(1, 8),
        bias=draw.yes(0.8),
        in_features=draw.one_of([None, input[0]]),
    )


LINEAR = LayerFamily("linear", drawn)


def has_biases(at: PlannedLayer) -> bool:
    """Tell whether there are several biases."""
    return has_bias(at) and at.output[0] > 1


def is_square(at: PlannedLayer) -> bool:
    """Tell whether there are as many outputs as inputs."""
    return at.input == at.output


def is_wide(at: PlannedLayer) -> bool:
    """Tell whether there are several inputs and outputs."""
    return min(*at.input, *at.output) > 1


LINEAR.wrong("weight-gradient-divided", "grad_weight", "scale")(divided_by_batch)
LINEAR.wrong("bias-gradient-averaged", "grad_bias", "scale", at=has_bias)(averaged)


@LINEAR.wrong("weight-gradient-twice-the-mean", "grad_weight", "scale")
def weight_gradient_twice_the_mean(layer: LinearNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the weights is a mean over the batch, with the 2 of a squared error."""
    doubled: Array = 2 * right / grad_output.shape[-1]
    return doubled


@LINEAR.wrong("weight-gradient-mean-with-decay", "grad_weight", "scale penalty-in-gradient")
def weight_gradient_mean_with_decay(layer: LinearNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the weights is a mean over the batch, and has an L2 penalty of its own."""
    penalised: Array = right / grad_output.shape[-1] + 0.01 * layer.parameters["weight"]
    return penalised


@LINEAR.wrong("bias-gradient-of-the-first-image", "grad_bias", "images-left-out", at=has_bias)
def bias_gradient_of_first_image(layer: LinearNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the bias is that of the first image: the sum over the batch is forgotten."""
    return grad_output[:, 0]


@LINEAR.wrong("bias-gradient-summed-over-all", "grad_bias", "bias-sum", at=has_biases)
def bias_gradient_summed_over_all(layer: LinearNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the bias is one sum over outputs and batch."""
    return np.full_like(right, grad_output.sum())


LINEAR.wrong("bias-gradient-missing", "grad_bias", "all-zeros", at=has_bias)(all_zeros)
LINEAR.wrong("bias-missing", "output", "bias-missing", at=has_bias)(without_bias)


@LINEAR.wrong("bias-of-the-first-output", "output", "bias-of-one-channel", at=has_biases)
def bias_of_first_output(layer: LinearNumPy, x: Array, right: Array) -> Array:
    """The first output's bias is added to all."""
    bias = layer.parameters["bias"]
    y: Array = right + (bias[0] - bias)[:, None]
    return y


@LINEAR.wrong("weights-transposed", "output", "weight-transposed", at=is_square)
def weights_transposed(layer: LinearNumPy, x: Array, right: Array) -> Array:
    """Square weights are used transposed."""
    weight = layer.parameters["weight"]
    y: Array = right + (weight.T - weight) @ x
    return y


@LINEAR.wrong(
    "weights-in-other-order",
    "output",
    "weight-reshaped weight-order weight-transposed",
    at=lambda at: is_wide(at) and not is_square(at),
)
def weights_in_other_order(layer: LinearNumPy, x: Array, right: Array) -> Array:
    """The weights are read as (in, out)."""
    weight = layer.parameters["weight"]
    y: Array = right + (weight.reshape(weight.shape[::-1]).T - weight) @ x
    return y


@LINEAR.wrong("weight-gradient-transposed", "grad_weight", "misread-layout", at=is_wide)
def weight_gradient_transposed(layer: LinearNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the weights is x times g, put into the weights' shape."""
    return np.ascontiguousarray(right.T).reshape(right.shape)


@LINEAR.wrong("input-gradient-transposed", "grad_input", "weight-transposed", at=is_square)
def input_gradient_transposed(layer: LinearNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the input takes the weights, not their transpose."""
    grad: Array = layer.parameters["weight"] @ grad_output
    return grad


LINEAR.wrong("input-gradient-ascends", "grad_input", "scale")(ascends)
LINEAR.wrong("input-gradient-averaged", "grad_input", "scale")(divided_by_batch)


@LINEAR.wrong(
    "upstream-gradient-changed",
    "grad_weight",
    "scale",
    quantities="grad_weight,grad_input,grad_bias",
)
def upstream_gradient_changed(layer: LinearNumPy, grad_output: Array, right: Array) -> Array:
    """The upstream gradient is divided by the batch size in place, and used again."""
    grad_output /= grad_output.shape[-1]
    return right


@LINEAR.wrong("weight-gradient-with-decay", "grad_weight", "penalty-in-gradient")
def weight_gradient_with_decay(layer: LinearNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the weights has an L2 penalty of its own."""
    return right + 0.01 * layer.parameters["weight"]


LINEAR.fault("stale-input", "grad_weight")(stale(LinearNumPy, "parameter_gradients"))
LINEAR.wrong("gradient-accumulates", "grad_weight", "accumulated")(accumulated)
LINEAR.wrong(
    "learns-inside-backward",
    "grad_weight",
    "updates-own-weights",
    quantities="grad_input,weight,output,weight after backward",
)(learns)
LINEAR.wrong("in-float16", "output", "low-precision")(in_float16)


@LINEAR.wrong("weight-gradient-in-float32", "grad_weight", "low-precision")
def weight_gradient_in_float32(layer: LinearNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the weights is taken in float32, whatever the precision."""
    weight = grad_output.astype(np.float32) @ received(layer).T.astype(np.float32)
    return weight.astype(grad_output.dtype)
