"""Faults planted into Adam: a whole step, written out, with one thing wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from cnnspec.backends.numpy.adam import AdamNumPy
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.families import OptimizerFamily
from cnnspec.compare.planted.mistakes import with_decay
from cnnspec.spec.optimizers import Adam
from cnnspec.trace import Array

WEIGHTS = "weight,bias"
MOMENTS = "weight,bias,exp_avg,exp_avg_sq"


def drawn(draw: Draw) -> Adam:
    """Draw an Adam, of which any option may be set."""
    return Adam(
        learning_rate=draw.power(-5, 0),
        betas=(draw.share(0.99), draw.share(0.999)),
        eps=draw.power(-10, 0),
        weight_decay=draw.share(1.0),
    )


ADAM = OptimizerFamily("adam", drawn)


class _Adam(AdamNumPy):
    """Takes the step of one parameter at a time; faults replace parts of it."""

    correct_first: ClassVar[bool] = True
    correct_second: ClassVar[bool] = True

    def step(
        self,
        parameters: Mapping[str, Array],
        gradients: Mapping[str, Array],
        learning_rate: float,
        step: int,
    ) -> None:
        beta1, beta2 = self._betas()
        count = np.float64(self._count(step))
        for name, w in parameters.items():
            m, v = self.slots[f"{name}.exp_avg"], self.slots[f"{name}.exp_avg_sq"]
            g = self._gradient(gradients[name], w, learning_rate)
            before = v.copy()
            m[...] = beta1 * m + self._added(g, 1 - beta1)
            v[...] = beta2 * v + (1 - beta2) * self._squared(g, m)
            with np.errstate(all="ignore"):
                first = m / (1 - beta1**count) if self.correct_first else m
                second = self._second(v, before)
                second = second / (1 - beta2**count) if self.correct_second else second
                divisor = self._divisor(second, 1 - beta2**count)
                w -= (learning_rate * self._first(first, g) / divisor).astype(w.dtype)

    def _betas(self) -> tuple[float, float]:
        return self._options.betas

    def _count(self, step: int) -> int:
        return step

    def _gradient(self, g: Array, w: Array, rate: float) -> Array:
        return g + self._options.weight_decay * w

    def _added(self, g: Array, share: float) -> Array:
        return share * g

    def _squared(self, g: Array, m: Array) -> Array:
        return g**2

    def _first(self, first: Array, g: Array) -> Array:
        return first

    def _second(self, v: Array, before: Array) -> Array:
        return v

    def _divisor(self, second: Array, correction: float) -> Array:
        divisor: Array = np.sqrt(second) + self._options.eps
        return divisor


@ADAM.fault("eps-inside-root", WEIGHTS, "eps-inside-root")
class EpsInsideRoot(_Adam):
    """Eps is added inside the root."""

    def _divisor(self, second: Array, correction: float) -> Array:
        divisor: Array = np.sqrt(second + self._options.eps)
        return divisor


@ADAM.fault("eps-before-correction", WEIGHTS, "eps-before-correction")
class EpsBeforeCorrection(_Adam):
    """Eps is added before the bias correction."""

    def _divisor(self, second: Array, correction: float) -> Array:
        divisor: Array = np.sqrt(second) + self._options.eps / np.sqrt(correction)
        return divisor


@ADAM.fault("eps-missing", WEIGHTS, "eps-missing")
class EpsMissing(_Adam):
    """Eps is left out."""

    def _divisor(self, second: Array, correction: float) -> Array:
        divisor: Array = np.sqrt(second)
        return divisor


@ADAM.fault("no-bias-correction", WEIGHTS, "no-bias-correction")
class NoBiasCorrection(_Adam):
    """Neither moment is corrected."""

    correct_first = correct_second = False


@ADAM.fault("first-not-corrected", WEIGHTS, "no-bias-correction")
class FirstNotCorrected(_Adam):
    """The first moment is not corrected."""

    correct_first = False


@ADAM.fault("second-not-corrected", WEIGHTS, "no-bias-correction")
class SecondNotCorrected(_Adam):
    """The second moment is not corrected."""

    correct_second = False


@ADAM.fault("step-from-0", WEIGHTS, "step-count")
class StepFrom0(_Adam):
    """Steps are counted from 0."""

    def _count(self, step: int) -> int:
        return step - 1


@ADAM.fault("step-ahead", WEIGHTS, "step-count")
class StepAhead(_Adam):
    """The count of steps is one ahead."""

    def _count(self, step: int) -> int:
        return step + 1


@ADAM.fault("step-stays-1", WEIGHTS, "step-count")
class StepStays1(_Adam):
    """The count of steps never grows."""

    def _count(self, step: int) -> int:
        return 1


@ADAM.fault("betas-swapped", MOMENTS, "betas-swapped")
class BetasSwapped(_Adam):
    """The betas are exchanged."""

    def _betas(self) -> tuple[float, float]:
        beta1, beta2 = self._options.betas
        return beta2, beta1


@ADAM.fault("second-moment-not-squared", MOMENTS, "second-moment-of-abs")
class SecondMomentNotSquared(_Adam):
    """The second moment averages |g|, not g^2."""

    def _squared(self, g: Array, m: Array) -> Array:
        return np.abs(g)


@ADAM.fault("root-missing", WEIGHTS, "root-missing")
class RootMissing(_Adam):
    """The step is divided by v, not by its root."""

    def _divisor(self, second: Array, correction: float) -> Array:
        return second + self._options.eps


@ADAM.fault("second-moment-of-first", MOMENTS, "second-moment-of-first")
class SecondMomentOfFirst(_Adam):
    """The second moment averages m^2, not g^2."""

    def _squared(self, g: Array, m: Array) -> Array:
        return m**2


@ADAM.fault("no-first-moment", WEIGHTS, "no-first-moment")
class NoFirstMoment(_Adam):
    """RMSProp: the gradient for the first moment."""

    def _first(self, first: Array, g: Array) -> Array:
        return g


@ADAM.fault("amsgrad", WEIGHTS, "amsgrad")
class AMSGrad(_Adam):
    """AMSGrad: the greatest second moment so far."""

    def _second(self, v: Array, before: Array) -> Array:
        greatest: Array = np.maximum(v, before)
        return greatest


@ADAM.fault("first-moment-not-scaled", MOMENTS, "moment-not-scaled")
class FirstMomentNotScaled(_Adam):
    """The gradient is added to the first moment unscaled."""

    def _added(self, g: Array, share: float) -> Array:
        return g


@ADAM.fault("decay-decoupled", MOMENTS, "decay-decoupled", training=with_decay)
class DecayDecoupled(_Adam):
    """AdamW: the decay is decoupled."""

    def _gradient(self, g: Array, w: Array, rate: float) -> Array:
        w *= 1 - rate * self._options.weight_decay
        return g


@ADAM.fault("decay-missing", MOMENTS, "decay-missing", training=with_decay)
class DecayMissing(_Adam):
    """No weight decay."""

    def _gradient(self, g: Array, w: Array, rate: float) -> Array:
        return g


@ADAM.fault("decay-twice", MOMENTS, "decay-twice", training=with_decay)
class DecayTwice(_Adam):
    """The decay is added in place, and then once more."""

    def _gradient(self, g: Array, w: Array, rate: float) -> Array:
        return super()._gradient(super()._gradient(g, w, rate), w, rate)


@ADAM.fault("ascends", WEIGHTS, "ascent")
class Ascends(_Adam):
    """The step is added, not subtracted."""

    def _first(self, first: Array, g: Array) -> Array:
        return -first
