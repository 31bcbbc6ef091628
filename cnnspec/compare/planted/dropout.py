"""Faults planted into dropout. Arrays are the engine's: the batch is the last axis."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cnnspec.address import STEP
from cnnspec.backends.numpy.dropout import DropoutNumPy
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.families import LayerFamily
from cnnspec.compare.planted.mistakes import ascends
from cnnspec.compare.planted.wrong import received, stale
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import Dropout
from cnnspec.spec.layers.layer import is_image
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array

SPECS = (
    """
name: drops-numbers
input: [2, 5, 4]
layers:
  - conv: {out_channels: 3, kernel_size: 3, padding: 1}
  - dropout: {p: 0.2, per: channel}
  - relu
  - flatten
  - linear: {out_features: 12}
  - relu
  - dropout: {p: 0.3}
  - linear: {out_features: 4}
training:
  batch_size: 6
  optimizer: {sgd: {learning_rate: 0.05, momentum: 0.9}}
""",
    """
name: drops-channels
input: [3, 4, 5]
layers:
  - dropout
  - conv: {out_channels: 6, kernel_size: 2}
  - relu
  - dropout: {p: 0.4, per: channel}
  - flatten
  - linear: {out_features: 5}
training:
  batch_size: 5
  optimizer: adam
""",
)


def drawn(draw: Draw, input: Shape) -> Dropout:
    """Draw a dropout: of channels alone where there are any."""
    per = draw.one_of(["element", "channel"]) if is_image(input) else "element"
    return Dropout(p=draw.share(0.95), per=cast(Any, per))


DROPOUT = LayerFamily("dropout", drawn, specs=SPECS)


def _of_channels(at: PlannedLayer) -> bool:
    return isinstance(at.layer, Dropout) and at.layer.per == "channel"


def _p(layer: DropoutNumPy) -> Array:
    p: Array = 1 - 1 / layer._scale
    return p


@DROPOUT.wrong("not-scaled", "output", "not-scaled")
def not_scaled(layer: DropoutNumPy, x: Array, right: Array) -> Array:
    """What is kept is not divided by 1 - p."""
    y: Array = right / layer._scale
    return y


@DROPOUT.wrong("gradient-not-scaled", "grad_input", "not-scaled")
def gradient_not_scaled(layer: DropoutNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient is not divided by 1 - p."""
    gradient: Array = right / layer._scale
    return gradient


def _p_is_no_half(at: PlannedLayer) -> bool:
    return isinstance(at.layer, Dropout) and at.layer.p != 0.5


@DROPOUT.wrong("divided-by-p", "output", "divided-by-p", at=_p_is_no_half)
def divided_by_p(layer: DropoutNumPy, x: Array, right: Array) -> Array:
    """What is kept is divided by p, the share that is dropped."""
    y: Array = right / layer._scale / _p(layer)
    return y


@DROPOUT.wrong("multiplied", "output", "multiplied")
def multiplied(layer: DropoutNumPy, x: Array, right: Array) -> Array:
    """What is kept is multiplied by 1 - p."""
    y: Array = right / layer._scale**2
    return y


@DROPOUT.wrong("gradient-scaled-twice", "grad_input", "scaled-twice")
def gradient_scaled_twice(layer: DropoutNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient is divided by 1 - p twice."""
    gradient: Array = right * layer._scale
    return gradient


@DROPOUT.wrong("mask-inverted", "output", "mask-inverted")
def mask_inverted(layer: DropoutNumPy, x: Array, right: Array) -> Array:
    """What is to be kept is dropped, and the other way round."""
    y: Array = x * layer._scale - right
    return y


@DROPOUT.wrong("never-drops", "output", "not-applied")
def never_drops(layer: DropoutNumPy, x: Array, right: Array) -> Array:
    """The layer is left out in training, as in evaluation."""
    return x


@DROPOUT.wrong("gradient-not-masked", "grad_input", "mask-missing")
def gradient_not_masked(layer: DropoutNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient is scaled, and passes everywhere."""
    gradient: Array = grad_output * layer._scale
    return gradient


@DROPOUT.wrong("gradient-untouched", "grad_input", "mask-missing")
def gradient_untouched(layer: DropoutNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient is returned as it came."""
    return grad_output


@DROPOUT.wrong("mask-of-output", "grad_input", "mask-of-output")
def mask_of_output(layer: DropoutNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient passes where the output is not 0: a 0 that is kept stops it."""
    gradient: Array = right * (received(layer) != 0)
    return gradient


DROPOUT.wrong("gradient-negative", "grad_input", "scale")(ascends)
DROPOUT.fault("stale-mask", "grad_input", "other-mask")(stale(DropoutNumPy, "input_gradient"))


@DROPOUT.fault("draws-itself", "output", "other-mask")
class DrawsItself(DropoutNumPy):
    """The layer draws a mask of its own."""

    passes = 0

    def forward(self, x: Array, mask: NDArray[np.bool]) -> Array:
        self.passes += 1
        random = np.random.default_rng(self.passes)
        return super().forward(x, random.random(mask.shape) < 1 / self._scale)


@DROPOUT.fault("numbers-for-channels", "output", "other-mask", at=_of_channels)
class NumbersForChannels(DropoutNumPy):
    """Numbers are dropped one by one, where whole channels should be."""

    def forward(self, x: Array, mask: NDArray[np.bool]) -> Array:
        return super().forward(x, np.random.default_rng(0).random(x.shape) < 1 / self._scale)


@DROPOUT.fault("one-mask-for-all", "output", "other-mask")
class OneMaskForAll(DropoutNumPy):
    """All images of a batch share the mask of the first."""

    def forward(self, x: Array, mask: NDArray[np.bool]) -> Array:
        return super().forward(x, np.repeat(mask[..., :1], mask.shape[-1], axis=-1))


@DROPOUT.fault("another-mask-backward", "grad_input", "other-mask")
class AnotherMaskBackward(DropoutNumPy):
    """The mask is drawn anew for the gradient."""

    def input_gradient(self, grad_output: Array) -> Array:
        kept = np.random.default_rng(1).random(grad_output.shape) < 1 / self._scale
        gradient: Array = np.multiply(grad_output, kept * self._scale, out=grad_output)
        return gradient


@DROPOUT.fault("scales-in-evaluation", "predicted logits", "whole-is-not-its-parts", elsewhere=STEP)
class ScalesInEvaluation(DropoutNumPy):
    """Predictions are divided by 1 - p, too."""

    def predict(self, x: Array) -> Array:
        y: Array = x * self._scale
        return y


@DROPOUT.fault("drops-in-evaluation", "predicted logits", "whole-is-not-its-parts", elsewhere=STEP)
class DropsInEvaluation(DropoutNumPy):
    """Numbers are dropped in predictions, too."""

    def predict(self, x: Array) -> Array:
        kept = np.random.default_rng(2).random(x.shape) < 1 / self._scale
        y: Array = x * (kept * self._scale)
        return y


@DROPOUT.fault("scales-in-evaluation-alone", "output", "not-scaled")
class ScalesInEvaluationAlone(DropoutNumPy):
    """Training does not scale; predictions are multiplied by 1 - p instead, as in 2012."""

    def forward(self, x: Array, mask: NDArray[np.bool]) -> Array:
        y = super().forward(x, mask)
        self._factors = self._factors / self._scale
        unscaled: Array = y / self._scale
        return unscaled

    def predict(self, x: Array) -> Array:
        y: Array = x / self._scale
        return y
