"""Faults of SGD and Adam: a whole step each, written out, with one thing wrong."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from cnnspec.backends.numpy.adam import AdamNumPy
from cnnspec.backends.numpy.sgd import SGDNumPy
from cnnspec.compare.selftest.faults import Family
from cnnspec.compare.selftest.settings import (
    with_decay,
    with_momentum,
    with_momentum_and_decay,
    with_nesterov,
    with_plain_momentum,
)
from cnnspec.trace import Array

SGDS = Family("sgd")
ADAMS = Family("adam")

WEIGHTS = "weight,bias"
BUFFER = "weight,bias,momentum_buffer"
MOMENTS = "weight,bias,exp_avg,exp_avg_sq"


class _SGD(SGDNumPy):
    """Takes the step of one parameter at a time."""

    def step(
        self,
        parameters: Mapping[str, Array],
        gradients: Mapping[str, Array],
        learning_rate: float,
        step: int,
    ) -> None:
        for name, weights in parameters.items():
            buffer = self.slots.get(f"{name}.momentum_buffer", np.zeros_like(weights))
            self._move(weights, buffer, gradients[name], learning_rate)

    @abstractmethod
    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        """Change weights and buffer in place."""

    @property
    def momentum(self) -> float:
        return self._options.momentum

    @property
    def decay(self) -> float:
        return self._options.weight_decay

    def _look(self, b: Array, g: Array) -> Array:
        return g + self.momentum * b if self._options.nesterov else b


@SGDS.fault("ascends", WEIGHTS, "ascent")
class Ascends(_SGD):
    """The step is added, not subtracted."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        g = g + self.decay * w
        b[...] = self.momentum * b + g
        w += rate * self._look(b, g)


@SGDS.fault("rate-squared", WEIGHTS, "rate-twice")
class RateSquared(_SGD):
    """The learning rate is multiplied in twice."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        g = g + self.decay * w
        b[...] = self.momentum * b + g
        w -= rate * (rate * self._look(b, g))


@SGDS.fault("rate-missing", WEIGHTS, "rate-missing")
class RateMissing(_SGD):
    """The learning rate is left out."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        g = g + self.decay * w
        b[...] = self.momentum * b + g
        w -= self._look(b, g)


@SGDS.fault(
    "momentum-ignored",
    BUFFER,
    "momentum-ignored",
    training=with_momentum,
)
class MomentumIgnored(_SGD):
    """The momentum is not used."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        w -= rate * (g + self.decay * w)


@SGDS.fault(
    "dampened",
    BUFFER,
    "dampening",
    training=with_momentum,
)
class Dampened(_SGD):
    """The gradient is weighted by 1 - momentum."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        g = g + self.decay * w
        b[...] = self.momentum * b + (1 - self.momentum) * g
        w -= rate * self._look(b, g)


@SGDS.fault(
    "nesterov-always",
    WEIGHTS,
    "nesterov-for-plain",
    training=with_plain_momentum,
)
class NesterovAlways(_SGD):
    """Nesterov's momentum, where the plain one is asked for."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        g = g + self.decay * w
        b[...] = self.momentum * b + g
        w -= rate * (g + self.momentum * b)


@SGDS.fault(
    "nesterov-never",
    WEIGHTS,
    "plain-for-nesterov",
    training=with_nesterov,
)
class NesterovNever(_SGD):
    """Plain momentum, where Nesterov's is asked for."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        g = g + self.decay * w
        b[...] = self.momentum * b + g
        w -= rate * b


@SGDS.fault(
    "rate-inside-the-buffer",
    BUFFER,
    "rate-in-buffer",
    training=with_momentum,
)
class RateInsideTheBuffer(_SGD):
    """The buffer adds up steps, not gradients."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        g = g + self.decay * w
        b[...] = self.momentum * b + rate * g
        w -= rate * g + self.momentum * b if self._options.nesterov else b


@SGDS.fault(
    "velocity",
    BUFFER,
    "rate-in-buffer",
    training=with_plain_momentum,
)
class Velocity(_SGD):
    """The buffer is a velocity, with the sign of the step."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        b[...] = self.momentum * b - rate * (g + self.decay * w)
        w += b


@SGDS.fault(
    "buffer-reset",
    BUFFER,
    "buffer-reset",
    training=with_momentum,
)
class BufferReset(_SGD):
    """The buffer starts anew in each step."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        b[...] = g + self.decay * w
        w -= rate * self._look(b, b)


@SGDS.fault(
    "momentum-turned-round",
    BUFFER,
    "momentum-turned-round",
    training=with_momentum,
)
class MomentumTurnedRound(_SGD):
    """The buffer keeps 1 - momentum of itself."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        g = g + self.decay * w
        b[...] = (1 - self.momentum) * b + self.momentum * g
        w -= rate * self._look(b, g)


@SGDS.fault(
    "old-buffer",
    BUFFER,
    "old-buffer",
    training=with_plain_momentum,
)
class OldBuffer(_SGD):
    """The weights move before the buffer is updated."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        g = g + self.decay * w
        w -= rate * b
        b[...] = self.momentum * b + g


@SGDS.fault("decay-missing", BUFFER, "decay-missing", training=with_decay)
class DecayMissing(_SGD):
    """No weight decay."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        b[...] = self.momentum * b + g
        w -= rate * self._look(b, g)


@SGDS.fault(
    "decay-decoupled",
    BUFFER,
    "decay-decoupled",
    training=with_momentum_and_decay,
)
class DecayDecoupled(_SGD):
    """The weights shrink by themselves, and the buffer knows nothing of it."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        w *= 1 - rate * self.decay
        b[...] = self.momentum * b + g
        w -= rate * self._look(b, g)


@SGDS.fault(
    "decay-not-scaled",
    BUFFER,
    "decay-not-scaled",
    training=with_decay,
)
class DecayNotScaled(_SGD):
    """The weights shrink by the decay, whatever the learning rate."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        w *= 1 - self.decay
        b[...] = self.momentum * b + g
        w -= rate * self._look(b, g)


@SGDS.fault("decay-sign", BUFFER, "decay-sign", training=with_decay)
class DecaySign(_SGD):
    """The decay lets weights grow."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        g = g - self.decay * w
        b[...] = self.momentum * b + g
        w -= rate * self._look(b, g)


@SGDS.fault(
    "decay-of-the-square",
    BUFFER,
    "decay-twice",
    training=with_decay,
)
class DecayOfTheSquare(_SGD):
    """The gradient of decay * w^2, twice that of decay / 2 * w^2."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        g = g + 2 * self.decay * w
        b[...] = self.momentum * b + g
        w -= rate * self._look(b, g)


@SGDS.fault(
    "decay-after-momentum",
    BUFFER,
    "decay-after-momentum decay-decoupled",  # the same numbers
    training=with_momentum_and_decay,
)
class DecayAfterMomentum(_SGD):
    """The decay is added to the direction, not to the gradient."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        b[...] = self.momentum * b + g
        w -= rate * (self._look(b, g) + self.decay * w)


@SGDS.fault("biases-skipped", BUFFER, "not-updated zero momentum-ignored")
class BiasesSkipped(SGDNumPy):
    """Biases are not updated."""

    def step(
        self,
        parameters: Mapping[str, Array],
        gradients: Mapping[str, Array],
        learning_rate: float,
        step: int,
    ) -> None:
        weights = {name: array for name, array in parameters.items() if "bias" not in name}
        super().step(weights, gradients, learning_rate, step)


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
        for name, w in parameters.items():
            m, v = self.slots[f"{name}.exp_avg"], self.slots[f"{name}.exp_avg_sq"]
            g = self._gradient(gradients[name], w)
            before = v.copy()
            self._moments(m, v, g)
            count = np.float64(self._count(step))
            beta1, beta2 = self._betas()
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

    def _gradient(self, g: Array, w: Array) -> Array:
        return g + self._options.weight_decay * w

    def _moments(self, m: Array, v: Array, g: Array) -> None:
        beta1, beta2 = self._betas()
        m[...] = beta1 * m + (1 - beta1) * g
        v[...] = beta2 * v + (1 - beta2) * g**2

    def _first(self, first: Array, g: Array) -> Array:
        return first

    def _second(self, v: Array, before: Array) -> Array:
        return v

    def _divisor(self, second: Array, correction: float) -> Array:
        divisor: Array = np.sqrt(second) + self._options.eps
        return divisor


@ADAMS.fault("eps-inside-root", WEIGHTS, "eps-inside-root")
class EpsInsideRoot(_Adam):
    """Eps is added inside the root."""

    def _divisor(self, second: Array, correction: float) -> Array:
        divisor: Array = np.sqrt(second + self._options.eps)
        return divisor


@ADAMS.fault(
    "eps-before-correction",
    WEIGHTS,
    "eps-before-correction",
)
class EpsBeforeCorrection(_Adam):
    """Eps is added before the bias correction."""

    def _divisor(self, second: Array, correction: float) -> Array:
        divisor: Array = np.sqrt(second) + self._options.eps / np.sqrt(correction)
        return divisor


@ADAMS.fault("eps-missing", WEIGHTS, "eps-missing")
class EpsMissing(_Adam):
    """Eps is left out."""

    def _divisor(self, second: Array, correction: float) -> Array:
        divisor: Array = np.sqrt(second)
        return divisor


@ADAMS.fault("no-bias-correction", WEIGHTS, "no-bias-correction")
class NoBiasCorrection(_Adam):
    """Neither moment is corrected."""

    correct_first = correct_second = False


@ADAMS.fault("first-not-corrected", WEIGHTS, "no-bias-correction")
class FirstNotCorrected(_Adam):
    """The first moment is not corrected."""

    correct_first = False


@ADAMS.fault("second-not-corrected", WEIGHTS, "no-bias-correction")
class SecondNotCorrected(_Adam):
    """The second moment is not corrected."""

    correct_second = False


@ADAMS.fault("step-from-0", WEIGHTS, "step-count")
class StepFrom0(_Adam):
    """Steps are counted from 0."""

    def _count(self, step: int) -> int:
        return step - 1


@ADAMS.fault("step-ahead", WEIGHTS, "step-count")
class StepAhead(_Adam):
    """The count of steps is one ahead."""

    def _count(self, step: int) -> int:
        return step + 1


@ADAMS.fault("step-stays-1", WEIGHTS, "step-count")
class StepStays1(_Adam):
    """The count of steps never grows."""

    def _count(self, step: int) -> int:
        return 1


@ADAMS.fault("betas-swapped", MOMENTS, "betas-swapped")
class BetasSwapped(_Adam):
    """The betas are exchanged."""

    def _betas(self) -> tuple[float, float]:
        beta1, beta2 = self._options.betas
        return beta2, beta1


@ADAMS.fault(
    "second-moment-not-squared",
    MOMENTS,
    "second-moment-of-abs",
)
class SecondMomentNotSquared(_Adam):
    """The second moment averages |g|, not g^2."""

    def _moments(self, m: Array, v: Array, g: Array) -> None:
        beta1, beta2 = self._betas()
        m[...] = beta1 * m + (1 - beta1) * g
        v[...] = beta2 * v + (1 - beta2) * np.abs(g)


@ADAMS.fault("root-missing", WEIGHTS, "root-missing")
class RootMissing(_Adam):
    """The step is divided by v, not by its root."""

    def _divisor(self, second: Array, correction: float) -> Array:
        return second + self._options.eps


@ADAMS.fault(
    "second-moment-of-first",
    MOMENTS,
    "second-moment-of-first",
)
class SecondMomentOfFirst(_Adam):
    """The second moment averages m^2, not g^2."""

    def _moments(self, m: Array, v: Array, g: Array) -> None:
        beta1, beta2 = self._betas()
        m[...] = beta1 * m + (1 - beta1) * g
        v[...] = beta2 * v + (1 - beta2) * m**2


@ADAMS.fault("no-first-moment", WEIGHTS, "no-first-moment")
class NoFirstMoment(_Adam):
    """RMSProp: the gradient for the first moment."""

    def _first(self, first: Array, g: Array) -> Array:
        return g


@ADAMS.fault("amsgrad", WEIGHTS, "amsgrad")
class AMSGrad(_Adam):
    """AMSGrad: the greatest second moment so far."""

    def _second(self, v: Array, before: Array) -> Array:
        greatest: Array = np.maximum(v, before)
        return greatest


@ADAMS.fault(
    "first-moment-not-scaled",
    MOMENTS,
    "moment-not-scaled",
)
class FirstMomentNotScaled(_Adam):
    """The gradient is added to the first moment unscaled."""

    def _moments(self, m: Array, v: Array, g: Array) -> None:
        beta1, beta2 = self._betas()
        m[...] = beta1 * m + g
        v[...] = beta2 * v + (1 - beta2) * g**2


@ADAMS.fault(
    "decay-decoupled",
    MOMENTS,
    "decay-decoupled",
    training=with_decay,
)
class AdamDecayDecoupled(_Adam):
    """AdamW: the decay is decoupled."""

    def _gradient(self, g: Array, w: Array) -> Array:
        return g

    def step(
        self,
        parameters: Mapping[str, Array],
        gradients: Mapping[str, Array],
        learning_rate: float,
        step: int,
    ) -> None:
        for w in parameters.values():
            w *= 1 - learning_rate * self._options.weight_decay
        super().step(parameters, gradients, learning_rate, step)


@ADAMS.fault("decay-missing", MOMENTS, "decay-missing", training=with_decay)
class AdamDecayMissing(_Adam):
    """No weight decay."""

    def _gradient(self, g: Array, w: Array) -> Array:
        return g


@ADAMS.fault(
    "decay-twice",
    MOMENTS,
    "decay-twice",
    training=with_decay,
)
class AdamDecayTwice(_Adam):
    """The decay is added in place, and then once more."""

    def _gradient(self, g: Array, w: Array) -> Array:
        return super()._gradient(super()._gradient(g, w), w)


@ADAMS.fault("ascends", WEIGHTS, "ascent")
class AdamAscends(_Adam):
    """The step is added, not subtracted."""

    def _first(self, first: Array, g: Array) -> Array:
        return -first
