"""Faults planted into gelus. Arrays are the engine's: the batch is the last axis."""

from __future__ import annotations

import math

import numpy as np

from cnnspec.backends.numpy.gelu import GELUNumPy
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.families import LayerFamily
from cnnspec.compare.planted.wrong import received, stale
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import GELU
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

SPEC = """
name: gelus
input: [2, 6, 5]
layers:
  - conv: {out_channels: 3, kernel_size: 3}
  - gelu
  - conv: {out_channels: 3, kernel_size: 2}
  - gelu: {approximate: tanh}
  - flatten
  - linear: {out_features: 4}
training:
  batch_size: 5
"""


def drawn(draw: Draw, input: Shape) -> GELU:
    """Draw a gelu of either form."""
    return GELU(approximate=draw.one_of(["none", "tanh"]))


GELUS = LayerFamily("gelu", drawn, specs=[SPEC])

ERF = np.vectorize(math.erf, otypes=[float])
BETA, KAPPA = math.sqrt(2 / math.pi), 0.044715


def exact(at: PlannedLayer) -> bool:
    """Tell whether a gelu is the exact one."""
    return at.layer == at.layer.model_copy(update={"approximate": "none"})


def by_tanh(at: PlannedLayer) -> bool:
    """Tell whether a gelu is the one with a tanh."""
    return not exact(at)


def like(array: Array, x: Array) -> Array:
    """Return what was computed in float64 in the engine's precision."""
    return array.astype(x.dtype)


def tanh_of(x: Array) -> Array:
    """Return the tanh of the form that has one."""
    wide = x.astype(float)
    found: Array = np.tanh(BETA * (wide + KAPPA * wide**3))
    return found


def cdf(x: Array) -> Array:
    """Return Phi."""
    found: Array = 0.5 * (1 + ERF(x.astype(float) / math.sqrt(2)))
    return found


def bell(x: Array) -> Array:
    """Return the density of the normal distribution."""
    found: Array = np.exp(-0.5 * x.astype(float) ** 2) / math.sqrt(2 * math.pi)
    return found


@GELUS.wrong("tanh-for-exact", "output", "other-form", at=exact)
def tanh_for_exact(layer: GELUNumPy, x: Array, right: Array) -> Array:
    """The form with a tanh, where the exact one is asked for."""
    return like(0.5 * x * (1 + tanh_of(x)), x)


@GELUS.wrong("exact-for-tanh", "output", "other-form", at=by_tanh)
def exact_for_tanh(layer: GELUNumPy, x: Array, right: Array) -> Array:
    """The exact form, where that with a tanh is asked for."""
    return like(x * cdf(x), x)


@GELUS.wrong("root-forgotten", "output", "root-missing", at=exact)
def root_forgotten(layer: GELUNumPy, x: Array, right: Array) -> Array:
    """erf(x), not erf(x / sqrt 2)."""
    return like(0.5 * x * (1 + ERF(x)), x)


@GELUS.wrong("no-cube", "output", "cubic-missing", at=by_tanh)
def no_cube(layer: GELUNumPy, x: Array, right: Array) -> Array:
    """The term with x^3 is forgotten."""
    return like(0.5 * x * (1 + np.tanh(BETA * x.astype(float))), x)


@GELUS.wrong("quick", "output", "by-sigmoid")
def quick(layer: GELUNumPy, x: Array, right: Array) -> Array:
    """Phi is taken for a sigmoid: x * sigmoid(1.702 x)."""
    return like(x / (1 + np.exp(-1.702 * x.astype(float))), x)


@GELUS.wrong("probability-alone", "output", "x-missing", at=exact)
def probability_alone(layer: GELUNumPy, x: Array, right: Array) -> Array:
    """Phi(x) is not multiplied by x."""
    return like(cdf(x), x)


@GELUS.wrong("product-rule-half", "grad_input", "density-missing", at=exact)
def product_rule_half(layer: GELUNumPy, grad_output: Array, right: Array) -> Array:
    """Phi is taken for a constant."""
    return like(grad_output * cdf(received(layer)), grad_output)


@GELUS.wrong("product-rule-half-of-tanh", "grad_input", "density-missing", at=by_tanh)
def product_rule_half_of_tanh(layer: GELUNumPy, grad_output: Array, right: Array) -> Array:
    """The tanh is taken for a constant."""
    return like(grad_output * 0.5 * (1 + tanh_of(received(layer))), grad_output)


@GELUS.wrong("bell-too-high", "grad_input", "root-missing", at=exact)
def bell_too_high(layer: GELUNumPy, grad_output: Array, right: Array) -> Array:
    """The density is divided by sqrt(pi)."""
    x = received(layer)
    return like(grad_output * (cdf(x) + x * bell(x) * math.sqrt(2)), grad_output)


@GELUS.wrong("inner-derivative-of-x", "grad_input", "steepness-missing", at=by_tanh)
def inner_derivative_of_x(layer: GELUNumPy, grad_output: Array, right: Array) -> Array:
    """The chain rule forgets what the tanh is given."""
    x = received(layer)
    t = tanh_of(x)
    return like(grad_output * 0.5 * (1 + t + x * (1 - t**2)), grad_output)


@GELUS.wrong("no-chain", "grad_input", "derivative-missing")
def no_chain(layer: GELUNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient passes as it is."""
    return grad_output


@GELUS.wrong("gradient-of-a-relu", "grad_input", "of-a-relu")
def gradient_of_a_relu(layer: GELUNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of a relu."""
    return grad_output * (received(layer) > 0)


GELUS.fault("stale-slope", "grad_input")(stale(GELUNumPy, "input_gradient"))
