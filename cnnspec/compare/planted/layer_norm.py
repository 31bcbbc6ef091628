"""Faults planted into layer normalisation. Arrays are the engine's: the batch is the last axis."""

from __future__ import annotations

import numpy as np

from cnnspec.backends.numpy.layer_norm import LayerNormNumPy
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.families import LayerFamily
from cnnspec.compare.planted.mistakes import averaged
from cnnspec.compare.planted.wrong import received, stale
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import LayerNorm
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

SPEC = """
name: layer-norms
input: [2, 6, 5]
layers:
  - layer_norm: {over: image, eps: 1e-3}
  - conv: {out_channels: 4, kernel_size: 3}
  - layer_norm
  - relu
  - flatten
  - linear: {out_features: 6}
  - layer_norm: {bias: false}
  - linear: {out_features: 4}
training:
  batch_size: 5
"""

OF_CELLS = """
name: layer-norms-of-cells
input: [3, 4, 4]
layers:
  - conv: {out_channels: 5, kernel_size: 2}
  - layer_norm: {eps: 1e-2}
  - conv: {out_channels: 3, kernel_size: 2}
  - flatten
  - linear: {out_features: 4}
training:
  batch_size: 4
  optimizer: adam
"""


def drawn(draw: Draw, input: Shape) -> LayerNorm:
    """Draw a layer norm, of which any option may be set."""
    return LayerNorm(
        over=draw.one_of(["channels", "image"]),
        eps=draw.power(-6, -2),
        elementwise_affine=draw.yes(0.8),
        bias=draw.yes(0.8),
        num_channels=draw.one_of([None, input[0]]),
    )


LAYER_NORM = LayerFamily("layer_norm", drawn, specs=[SPEC, OF_CELLS])


def several(at: PlannedLayer) -> bool:
    """Tell whether more than two numbers are normalised together: two become -1 and 1."""
    return at.input[0] > 2


def of_cells(at: PlannedLayer) -> bool:
    """Tell whether the channels of each cell are, of several cells."""
    over_channels = at.layer == at.layer.model_copy(update={"over": "channels"})
    return several(at) and over_channels and len(at.input) == 3 and at.input[1] * at.input[2] > 1


def of_whole_images(at: PlannedLayer) -> bool:
    """Tell whether each channel of each of several cells has a weight of its own."""
    own = at.parameters.get("weight", ())
    return len(own) > 1 and own[0] > 1 and own[1] * own[2] > 1


def has_weight(at: PlannedLayer) -> bool:
    """Tell whether it has a learnt weight."""
    return several(at) and "weight" in at.parameters


def has_bias(at: PlannedLayer) -> bool:
    """Tell whether it has a learnt bias."""
    return several(at) and "bias" in at.parameters


def scaled(layer: LayerNormNumPy, z: Array, x: Array) -> Array:
    """Return weight * z + bias in the shape of x."""
    columns = z.reshape(layer._size, -1)
    if "weight" in layer.parameters:
        columns = columns * layer._own("weight")
    if "bias" in layer.parameters:
        columns = columns + layer._own("bias")
    return like(columns, x)


def like(columns: Array, x: Array) -> Array:
    """Return columns in the shape and precision of x."""
    return columns.reshape(x.shape).astype(x.dtype)


def centred(layer: LayerNormNumPy, x: Array) -> Array:
    """Return columns without their means."""
    columns = x.reshape(layer._size, -1)
    rest: Array = columns - columns.mean(axis=0)
    return rest


def upstream(layer: LayerNormNumPy, grad_output: Array) -> Array:
    """Return the gradient of what is normalised, in columns."""
    columns = grad_output.reshape(layer._size, -1)
    return columns * layer._own("weight") if "weight" in layer.parameters else columns


def deviation(layer: LayerNormNumPy, x: Array) -> Array:
    """Return the root that columns are divided by."""
    found: Array = np.sqrt(centred(layer, x).var(axis=0) + layer._eps)
    return found


@LAYER_NORM.wrong("unbiased", "output", "unbiased-variance", at=several)
def unbiased(layer: LayerNormNumPy, x: Array, right: Array) -> Array:
    """The squares are divided by m - 1."""
    rest = centred(layer, x)
    return scaled(layer, rest / np.sqrt(rest.var(axis=0, ddof=1) + layer._eps), x)


@LAYER_NORM.wrong("eps-added-to-deviation", "output", "eps-outside-root", at=several)
def eps_added_to_deviation(layer: LayerNormNumPy, x: Array, right: Array) -> Array:
    """The eps is added to the standard deviation."""
    rest = centred(layer, x)
    return scaled(layer, rest / (rest.std(axis=0) + layer._eps), x)


@LAYER_NORM.wrong("by-the-variance", "output", "root-missing", at=several)
def by_the_variance(layer: LayerNormNumPy, x: Array, right: Array) -> Array:
    """The root is forgotten."""
    return scaled(layer, centred(layer, x) / deviation(layer, x) ** 2, x)


@LAYER_NORM.wrong("mean-stays", "output", "mean-not-subtracted", at=several)
def mean_stays(layer: LayerNormNumPy, x: Array, right: Array) -> Array:
    """Numbers are divided, and their mean is not subtracted."""
    return scaled(layer, x.reshape(layer._size, -1) / deviation(layer, x), x)


@LAYER_NORM.wrong("whole-image", "output", "wrong-axes", at=of_cells)
def whole_image(layer: LayerNormNumPy, x: Array, right: Array) -> Array:
    """All cells of an image are normalised together, where each is by itself."""
    axes = (0, 1, 2)
    rest = x - x.mean(axis=axes, keepdims=True)
    return scaled(layer, rest / np.sqrt(rest.var(axis=axes, keepdims=True) + layer._eps), x)


@LAYER_NORM.wrong("channel-by-channel", "output", "wrong-axes", at=of_cells)
def channel_by_channel(layer: LayerNormNumPy, x: Array, right: Array) -> Array:
    """Each channel of an image is normalised by itself."""
    rest = x - x.mean(axis=(1, 2), keepdims=True)
    return scaled(layer, rest / np.sqrt(rest.var(axis=(1, 2), keepdims=True) + layer._eps), x)


@LAYER_NORM.wrong("no-gain", "output", "scale-missing", at=has_bias)
def no_gain(layer: LayerNormNumPy, x: Array, right: Array) -> Array:
    """The weight is forgotten, the bias is not."""
    z = centred(layer, x) / deviation(layer, x)
    return like(z + layer._own("bias"), x)


@LAYER_NORM.wrong("no-bias", "output", "bias-missing", at=has_bias)
def no_bias(layer: LayerNormNumPy, x: Array, right: Array) -> Array:
    """The bias is forgotten, the weight is not."""
    return like(right.reshape(layer._size, -1) - layer._own("bias"), x)


@LAYER_NORM.wrong("constant-statistics", "grad_input", "statistics-constant", at=several)
def constant_statistics(layer: LayerNormNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient takes mean and variance for constants."""
    found = upstream(layer, grad_output) / deviation(layer, received(layer))
    return like(found, right)


@LAYER_NORM.wrong("constant-variance", "grad_input", "variance-term-missing", at=several)
def constant_variance(layer: LayerNormNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient takes the variance for a constant."""
    g = upstream(layer, grad_output)
    found = (g - g.mean(axis=0)) / deviation(layer, received(layer))
    return like(found, right)


@LAYER_NORM.wrong("gain-not-in-gradient", "grad_input", "scale-missing", at=has_weight)
def gain_not_in_gradient(layer: LayerNormNumPy, grad_output: Array, right: Array) -> Array:
    """The way back forgets the weight."""
    x = received(layer)
    z, g = centred(layer, x) / deviation(layer, x), grad_output.reshape(layer._size, -1)
    found = (g - g.mean(axis=0) - z * (g * z).mean(axis=0)) / deviation(layer, x)
    return like(found, right)


@LAYER_NORM.wrong("gain-gradient-of-x", "grad_weight", "input-for-normalised", at=has_weight)
def gain_gradient_of_x(layer: LayerNormNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the weight is summed with x, which is not normalised."""
    rows = (grad_output * received(layer)).reshape(layer._size, -1)
    return like(rows.sum(axis=1), right)


@LAYER_NORM.wrong("gain-gradient-laid-out", "grad_weight", "misread-layout", at=of_whole_images)
def gain_gradient_laid_out(layer: LayerNormNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the weight has its channels last, and is put into the weight's shape."""
    return np.moveaxis(right, 0, -1).reshape(right.shape)


LAYER_NORM.wrong("gain-gradient-averaged", "grad_weight", "scale", at=has_weight)(averaged)
LAYER_NORM.fault("stale-numbers", "grad_input", at=several)(stale(LayerNormNumPy, "input_gradient"))
