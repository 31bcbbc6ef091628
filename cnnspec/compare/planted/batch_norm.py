"""Faults planted into batch normalisation. Inside, each channel is one row: (c, h * w * n)."""

from __future__ import annotations

import numpy as np

from cnnspec.address import STEP
from cnnspec.backends.numpy.batch_norm import BatchNormNumPy
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.families import LayerFamily
from cnnspec.compare.planted.mistakes import averaged, without_bias
from cnnspec.plan import PlannedLayer
from cnnspec.spec.layers import BatchNorm
from cnnspec.spec.sizes import Shape
from cnnspec.trace import Array


def drawn(draw: Draw, input: Shape) -> BatchNorm:
    """Draw a batch norm, of which any option may be set."""
    return BatchNorm(
        eps=draw.power(-6, -2),
        momentum=draw.share(1.0),
        affine=draw.yes(0.8),
        num_features=draw.one_of([None, input[0]]),
    )


BATCH_NORM = LayerFamily("batch_norm", drawn)


def _is_affine(at: PlannedLayer) -> bool:
    return bool(at.parameters)


def _of_images(at: PlannedLayer) -> bool:
    return len(at.input) == 3 and at.input[1] * at.input[2] > 1


class _Norm(BatchNormNumPy):
    """A batch normalisation of which faults replace the statistics."""

    def forward(self, x: Array) -> Array:
        rows = self._rows(x)
        self._count = rows.shape[1]
        mean = rows.mean(axis=1)
        self._centred = rows - mean[:, None]
        variance = (self._centred**2).mean(axis=1)
        self._scale = self._scale_of(variance, self._count)
        self._keep(mean, variance, self._count)
        return self._output(self._centred, self._scale, x)

    def _scale_of(self, variance: Array, count: int) -> Array:
        scale: Array = 1 / np.sqrt(variance + self._eps)
        return scale

    def _keep(self, mean: Array, variance: Array, count: int) -> None:
        self._run("running_mean", mean)
        self._run("running_var", variance * (count / (count - 1)))


@BATCH_NORM.fault("unbiased", "output", "unbiased-variance")
class Unbiased(_Norm):
    """The batch is normalised by its unbiased variance."""

    def _scale_of(self, variance: Array, count: int) -> Array:
        return super()._scale_of(variance * (count / (count - 1)), count)


@BATCH_NORM.fault("running-biased", "running_var", "biased-variance")
class RunningBiased(_Norm):
    """The running variance is that of the biased ones."""

    def _keep(self, mean: Array, variance: Array, count: int) -> None:
        self._run("running_mean", mean)
        self._run("running_var", variance)


@BATCH_NORM.fault("momentum-turned-round", "running_mean,running_var", "momentum-reversed")
class MomentumTurnedRound(_Norm):
    """The momentum weights the old value of what runs, not the new one."""

    def _run(self, name: str, new: Array) -> None:
        running = self.buffers[name]
        running *= self._momentum
        running += (1 - self._momentum) * new


@BATCH_NORM.fault("never-runs", "running_mean,running_var", "not-updated")
class NeverRuns(_Norm):
    """The running mean and variance are never updated."""

    def _run(self, name: str, new: Array) -> None:
        """Leave out what is done here."""


@BATCH_NORM.fault("running-deviation", "running_var", "deviation-for-variance")
class RunningDeviation(_Norm):
    """What runs is the standard deviation, not the variance."""

    def _keep(self, mean: Array, variance: Array, count: int) -> None:
        self._run("running_mean", mean)
        self._run("running_var", np.sqrt(variance * (count / (count - 1))))


@BATCH_NORM.fault("eps-outside-root", "output", "eps-outside-root")
class EpsOutsideRoot(_Norm):
    """The eps is added to the standard deviation, not to the variance."""

    def _scale_of(self, variance: Array, count: int) -> Array:
        scale: Array = 1 / (np.sqrt(variance) + self._eps)
        return scale


@BATCH_NORM.fault("eps-missing", "output", "eps-missing")
class EpsMissing(_Norm):
    """The eps is left out."""

    def _scale_of(self, variance: Array, count: int) -> Array:
        scale: Array = 1 / np.sqrt(variance)
        return scale


@BATCH_NORM.fault("divides-by-the-variance", "output", "root-missing")
class DividesByTheVariance(_Norm):
    """The batch is divided by its variance, not by the root."""

    def _scale_of(self, variance: Array, count: int) -> Array:
        scale: Array = 1 / (variance + self._eps)
        return scale


@BATCH_NORM.wrong("statistics-held-constant", "grad_input", "statistics-constant")
def statistics_held_constant(layer: BatchNormNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient takes mean and variance for constants."""
    grad: Array = layer._rows(grad_output) * layer._weighted(layer._scale)
    return grad.reshape(grad_output.shape)


@BATCH_NORM.wrong("variance-held-constant", "grad_input", "variance-term-missing")
def variance_held_constant(layer: BatchNormNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient takes the variance for a constant."""
    rows = layer._rows(grad_output)
    grad: Array = (rows - rows.mean(axis=1)[:, None]) * layer._weighted(layer._scale)
    return grad.reshape(grad_output.shape)


@BATCH_NORM.wrong("mean-counted-twice", "grad_input", "mean-term-twice")
def mean_counted_twice(layer: BatchNormNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient subtracts the mean of the upstream gradient two times."""
    rows = layer._rows(grad_output)
    mean = np.broadcast_to(rows.mean(axis=1)[:, None], rows.shape)
    grad: Array = layer._rows(right) - mean * layer._weighted(layer._scale)
    return grad.reshape(right.shape)


@BATCH_NORM.wrong("gradient-without-weight", "grad_input", "scale-missing", at=_is_affine)
def gradient_without_weight(layer: BatchNormNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the input is not multiplied by the weight."""
    unweighted: Array = layer._rows(right) / layer.parameters["weight"][:, None]
    return unweighted.reshape(right.shape)


@BATCH_NORM.wrong("weight-gradient-of-the-input", "grad_weight", "not-divided", at=_is_affine)
def weight_gradient_of_the_input(layer: BatchNormNumPy, grad_output: Array, right: Array) -> Array:
    """The gradient of the weight takes x - mean, which is not divided by its deviation."""
    undivided: Array = right / layer._scale
    return undivided


BATCH_NORM.wrong("weight-gradient-averaged", "grad_weight", "scale", at=_is_affine)(averaged)
BATCH_NORM.wrong("bias-missing", "output", "bias-missing", at=_is_affine)(without_bias)


@BATCH_NORM.fault("by-position", "output", "wrong-axes", at=_of_images)
class ByPosition(BatchNormNumPy):
    """Each position has statistics of its own, over the batch alone."""

    def forward(self, x: Array) -> Array:
        super().forward(x)
        centred = x - x.mean(axis=-1, keepdims=True)
        scale = 1 / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self._eps)
        y = self._rows(centred * scale)
        if self.parameters:
            y = y * self.parameters["weight"][:, None] + self.parameters["bias"][:, None]
        return y.reshape(x.shape)


@BATCH_NORM.fault(
    "predicts-by-the-batch", "predicted logits", "whole-is-not-its-parts", elsewhere=STEP
)
class PredictsByTheBatch(BatchNormNumPy):
    """Predictions are normalised by their own batch, not by what runs."""

    def predict(self, x: Array) -> Array:
        kept = {name: array.copy() for name, array in self.buffers.items()}
        y = self.forward(x)
        for name, array in kept.items():
            self.buffers[name][...] = array
        return y


@BATCH_NORM.fault("trains-by-what-runs", "output", "running-statistics")
class TrainsByWhatRuns(BatchNormNumPy):
    """Training normalises by what runs, not by the batch."""

    def forward(self, x: Array) -> Array:
        before = {name: array.copy() for name, array in self.buffers.items()}
        super().forward(x)
        centred = self._rows(x) - before["running_mean"][:, None]
        return self._output(centred, 1 / np.sqrt(before["running_var"] + self._eps), x)
