"""Faults of linear layers. Arrays are the engine's: features (f, n)."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnspec.backends.numpy.linear import LinearNumPy
from cnnspec.compare.selftest.faults import Family
from cnnspec.compare.selftest.settings import has_bias, is_square
from cnnspec.trace import Array

LINEAR = Family("linear")

Gradients = dict[str, Array]


@LINEAR.fault(
    "weight-gradient-divided",
    "grad_weight",
    "scale",
)
class WeightGradientDivided(LinearNumPy):
    """The gradient of the weights is divided by the batch size, as the loss's was before."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        return found | {"weight": found["weight"] / grad_output.shape[-1]}


@LINEAR.fault(
    "bias-gradient-averaged",
    "grad_bias",
    "scale",
    at=has_bias,
)
class BiasGradientAveraged(LinearNumPy):
    """The gradient of the bias is a mean over the batch."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        return found | {"bias": grad_output.mean(axis=1)}


@LINEAR.fault(
    "bias-gradient-of-the-first-image",
    "grad_bias",
    "images-left-out",
    at=has_bias,
)
class BiasGradientOfFirstImage(LinearNumPy):
    """The gradient of the bias is that of the first image: the sum over the batch is forgotten."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        return found | {"bias": grad_output[:, 0]}


@LINEAR.fault(
    "bias-gradient-summed-over-all",
    "grad_bias",
    "bias-sum",
    at=lambda at: has_bias(at) and at.output[0] > 1,
)
class BiasGradientSummedOverAll(LinearNumPy):
    """The gradient of the bias is one sum over outputs and batch."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        return found | {"bias": np.full_like(found["bias"], grad_output.sum())}


@LINEAR.fault(
    "bias-gradient-missing",
    "grad_bias",
    "all-zeros",
    at=has_bias,
)
class BiasGradientMissing(LinearNumPy):
    """The bias has no gradient: it stays 0."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        return found | {"bias": np.zeros_like(found["bias"])}


@LINEAR.fault("bias-missing", "output", "bias-missing", at=has_bias)
class BiasMissing(LinearNumPy):
    """The bias is never added."""

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        y -= self.parameters["bias"][:, None]
        return y


@LINEAR.fault(
    "bias-of-the-first-output",
    "output",
    "bias-of-one-channel",
    at=lambda at: has_bias(at) and at.output[0] > 1,
)
class BiasOfFirstOutput(LinearNumPy):
    """The first output's bias is added to all."""

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        bias = self.parameters["bias"]
        y += (bias[0] - bias)[:, None]
        return y


@LINEAR.fault(
    "weights-transposed",
    "output",
    "weight-transposed",
    at=is_square,
)
class WeightsTransposed(LinearNumPy):
    """Square weights are used transposed."""

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        weight = self.parameters["weight"]
        y += (weight.T - weight) @ x
        return y


@LINEAR.fault(
    "weights-in-other-order",
    "output",
    "weight-reshaped weight-order weight-transposed",
    at=lambda at: not is_square(at) and min(*at.input, *at.output) > 1,
)
class WeightsInOtherOrder(LinearNumPy):
    """The weights are read as (in, out)."""

    def forward(self, x: Array) -> Array:
        weight = self.parameters["weight"]
        kept = weight.copy()
        weight[...] = kept.reshape(kept.shape[::-1]).T
        y = super().forward(x)
        weight[...] = kept
        return y


@LINEAR.fault(
    "weight-gradient-transposed",
    "grad_weight",
    "misread-layout",
    at=lambda at: min(*at.input, *at.output) > 1,
)
class WeightGradientTransposed(LinearNumPy):
    """The gradient of the weights is x times g, put into the weights' shape."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        weight = found["weight"]
        return found | {"weight": np.ascontiguousarray(weight.T).reshape(weight.shape)}


@LINEAR.fault(
    "input-gradient-transposed",
    "grad_input",
    "weight-transposed",
    at=is_square,
)
class InputGradientTransposed(LinearNumPy):
    """The gradient of the input takes the weights, not their transpose."""

    def input_gradient(self, grad_output: Array) -> Array:
        grad: Array = self.parameters["weight"] @ grad_output
        return grad


@LINEAR.fault(
    "input-gradient-ascends",
    "grad_input",
    "scale",
)
class InputGradientAscends(LinearNumPy):
    """The gradient of the input has the wrong sign."""

    def input_gradient(self, grad_output: Array) -> Array:
        return -super().input_gradient(grad_output)


@LINEAR.fault(
    "input-gradient-averaged",
    "grad_input",
    "scale",
)
class InputGradientAveraged(LinearNumPy):
    """The gradient of the input is divided by the batch size once more."""

    def input_gradient(self, grad_output: Array) -> Array:
        grad: Array = super().input_gradient(grad_output) / grad_output.shape[-1]
        return grad


@LINEAR.fault(
    "upstream-gradient-changed",
    "grad_weight,grad_input,grad_bias",
    "scale",
)
class UpstreamGradientChanged(LinearNumPy):
    """The upstream gradient is divided by the batch size in place, and used again."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        grad_output /= grad_output.shape[-1]
        return found


@LINEAR.fault(
    "weight-gradient-with-decay",
    "grad_weight",
    "penalty-in-gradient",
)
class WeightGradientWithDecay(LinearNumPy):
    """The gradient of the weights has an L2 penalty of its own."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        return found | {"weight": found["weight"] + 0.01 * self.parameters["weight"]}


@LINEAR.fault(
    "stale-input",
    "grad_weight",
    "",
)
class StaleInput(LinearNumPy):
    """The gradient of the weights takes the input of the batch before."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._last: Array | None = None

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        before = x if self._last is None else self._last
        self._x = np.resize(before, x.shape)
        self._last = x.copy()
        return y


@LINEAR.fault(
    "gradient-accumulates",
    "grad_weight",
    "accumulated",
)
class GradientAccumulates(LinearNumPy):
    """The gradients are added to those of the batch before."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._sum = np.zeros_like(self.parameters["weight"])

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        self._sum += found["weight"]
        return found | {"weight": self._sum}


@LINEAR.fault(
    "learns-inside-backward",
    "grad_input,weight,output,weight after backward",
    "updates-own-weights",
)
class LearnsInsideBackward(LinearNumPy):
    """The weights are changed inside the backward pass, with a learning rate of its own."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        self.parameters["weight"] -= 0.01 * found["weight"]
        return found


@LINEAR.fault("in-float16", "output", "low-precision")
class InFloat16(LinearNumPy):
    """The output is rounded to float16."""

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        y[...] = y.astype(np.float16)
        return y


@LINEAR.fault(
    "weight-gradient-in-float32",
    "grad_weight",
    "low-precision",
)
class WeightGradientInFloat32(LinearNumPy):
    """The gradient of the weights is taken in float32, whatever the precision."""

    def parameter_gradients(self, grad_output: Array) -> Gradients:
        found = super().parameter_gradients(grad_output)
        weight = grad_output.astype(np.float32) @ self._x.T.astype(np.float32)
        return found | {"weight": weight.astype(grad_output.dtype)}
