"""Faults planted into SGD: a whole step, written out, with one thing wrong."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnnspec.backends.numpy.sgd import SGDNumPy
from cnnspec.compare.planted.draw import Draw
from cnnspec.compare.planted.families import OptimizerFamily
from cnnspec.compare.planted.mistakes import with_decay
from cnnspec.spec.optimizers import SGD
from cnnspec.spec.training import Training
from cnnspec.trace import Array

WEIGHTS = "weight,bias"
BUFFER = "weight,bias,momentum_buffer"


def drawn(draw: Draw) -> SGD:
    """Draw an SGD, of which any option may be set."""
    momentum = draw.share(0.99)
    return SGD(
        learning_rate=draw.power(-4, 0),
        momentum=momentum,
        nesterov=momentum > 0 and draw.yes(),
        weight_decay=draw.share(1.0),
    )


SGD_FAULTS = OptimizerFamily("sgd", drawn)


def _options(training: Training) -> SGD:
    assert isinstance(training.optimizer, SGD)
    return training.optimizer


def with_momentum(training: Training) -> bool:
    """Tell whether there is a momentum."""
    return _options(training).momentum > 0


def with_nesterov(training: Training) -> bool:
    """Tell whether the momentum is Nesterov's."""
    return _options(training).nesterov


def with_plain_momentum(training: Training) -> bool:
    """Tell whether there is a momentum that is not Nesterov's."""
    return with_momentum(training) and not with_nesterov(training)


def with_momentum_and_decay(training: Training) -> bool:
    """Tell whether there are both."""
    return with_momentum(training) and with_decay(training)


class _SGD(SGDNumPy):
    """Takes the step of one parameter at a time: the decay, the buffer, and then the weights."""

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

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        """Change weights and buffer in place."""
        g = self._decayed(g, w, rate)
        b[...] = self._buffer(b, g)
        w -= self._step(self._look(b, g), rate)

    @property
    def momentum(self) -> float:
        return self._options.momentum

    @property
    def decay(self) -> float:
        return self._options.weight_decay

    def _decayed(self, g: Array, w: Array, rate: float) -> Array:
        return g + self.decay * w

    def _buffer(self, b: Array, g: Array) -> Array:
        return self.momentum * b + g

    def _look(self, b: Array, g: Array) -> Array:
        return g + self.momentum * b if self._options.nesterov else b

    def _step(self, direction: Array, rate: float) -> Array:
        return rate * direction


@SGD_FAULTS.fault("ascends", WEIGHTS, "ascent")
class Ascends(_SGD):
    """The step is added, not subtracted."""

    def _step(self, direction: Array, rate: float) -> Array:
        return -rate * direction


@SGD_FAULTS.fault("rate-squared", WEIGHTS, "rate-twice")
class RateSquared(_SGD):
    """The learning rate is multiplied in twice."""

    def _step(self, direction: Array, rate: float) -> Array:
        return rate * (rate * direction)


@SGD_FAULTS.fault("rate-missing", WEIGHTS, "rate-missing")
class RateMissing(_SGD):
    """The learning rate is left out."""

    def _step(self, direction: Array, rate: float) -> Array:
        return direction


@SGD_FAULTS.fault("momentum-ignored", BUFFER, "momentum-ignored", training=with_momentum)
class MomentumIgnored(_SGD):
    """The momentum is not used."""

    def _buffer(self, b: Array, g: Array) -> Array:
        return b

    def _look(self, b: Array, g: Array) -> Array:
        return g


@SGD_FAULTS.fault("dampened", BUFFER, "dampening", training=with_momentum)
class Dampened(_SGD):
    """The gradient is weighted by 1 - momentum."""

    def _buffer(self, b: Array, g: Array) -> Array:
        return self.momentum * b + (1 - self.momentum) * g


@SGD_FAULTS.fault("nesterov-always", WEIGHTS, "nesterov-for-plain", training=with_plain_momentum)
class NesterovAlways(_SGD):
    """Nesterov's momentum, where the plain one is asked for."""

    def _look(self, b: Array, g: Array) -> Array:
        return g + self.momentum * b


@SGD_FAULTS.fault("nesterov-never", WEIGHTS, "plain-for-nesterov", training=with_nesterov)
class NesterovNever(_SGD):
    """Plain momentum, where Nesterov's is asked for."""

    def _look(self, b: Array, g: Array) -> Array:
        return b


@SGD_FAULTS.fault("rate-inside-the-buffer", BUFFER, "rate-in-buffer", training=with_momentum)
class RateInsideTheBuffer(_SGD):
    """The buffer adds up steps, not gradients."""

    def _decayed(self, g: Array, w: Array, rate: float) -> Array:
        return rate * super()._decayed(g, w, rate)

    def _step(self, direction: Array, rate: float) -> Array:
        return direction


@SGD_FAULTS.fault("velocity", BUFFER, "rate-in-buffer", training=with_plain_momentum)
class Velocity(_SGD):
    """The buffer is a velocity, with the sign of the step."""

    def _decayed(self, g: Array, w: Array, rate: float) -> Array:
        return -rate * super()._decayed(g, w, rate)

    def _step(self, direction: Array, rate: float) -> Array:
        return -direction


@SGD_FAULTS.fault("buffer-reset", BUFFER, "buffer-reset", training=with_momentum)
class BufferReset(_SGD):
    """The buffer starts anew in each step."""

    def _buffer(self, b: Array, g: Array) -> Array:
        return g


@SGD_FAULTS.fault("momentum-turned-round", BUFFER, "momentum-turned-round", training=with_momentum)
class MomentumTurnedRound(_SGD):
    """The buffer keeps 1 - momentum of itself."""

    def _buffer(self, b: Array, g: Array) -> Array:
        return (1 - self.momentum) * b + self.momentum * g


@SGD_FAULTS.fault("old-buffer", BUFFER, "old-buffer", training=with_plain_momentum)
class OldBuffer(_SGD):
    """The weights move before the buffer is updated."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        g = self._decayed(g, w, rate)
        w -= rate * b
        b[...] = self._buffer(b, g)


@SGD_FAULTS.fault("decay-missing", BUFFER, "decay-missing", training=with_decay)
class DecayMissing(_SGD):
    """No weight decay."""

    def _decayed(self, g: Array, w: Array, rate: float) -> Array:
        return g


@SGD_FAULTS.fault("decay-decoupled", BUFFER, "decay-decoupled", training=with_momentum_and_decay)
class DecayDecoupled(_SGD):
    """The weights shrink by themselves, and the buffer knows nothing of it."""

    def _decayed(self, g: Array, w: Array, rate: float) -> Array:
        w *= 1 - rate * self.decay
        return g


@SGD_FAULTS.fault("decay-not-scaled", BUFFER, "decay-not-scaled", training=with_decay)
class DecayNotScaled(_SGD):
    """The weights shrink by the decay, whatever the learning rate."""

    def _decayed(self, g: Array, w: Array, rate: float) -> Array:
        w *= 1 - self.decay
        return g


@SGD_FAULTS.fault("decay-sign", BUFFER, "decay-sign", training=with_decay)
class DecaySign(_SGD):
    """The decay lets weights grow."""

    def _decayed(self, g: Array, w: Array, rate: float) -> Array:
        return g - self.decay * w


@SGD_FAULTS.fault("decay-of-the-square", BUFFER, "decay-twice", training=with_decay)
class DecayOfTheSquare(_SGD):
    """The gradient of decay * w^2, twice that of decay / 2 * w^2."""

    def _decayed(self, g: Array, w: Array, rate: float) -> Array:
        return g + 2 * self.decay * w


@SGD_FAULTS.fault(
    "decay-after-momentum",
    BUFFER,
    "decay-after-momentum decay-decoupled",  # the same numbers
    training=with_momentum_and_decay,
)
class DecayAfterMomentum(_SGD):
    """The decay is added to the direction, not to the gradient."""

    def _move(self, w: Array, b: Array, g: Array, rate: float) -> None:
        b[...] = self._buffer(b, g)
        w -= rate * (self._look(b, g) + self.decay * w)


@SGD_FAULTS.fault("biases-skipped", BUFFER, "not-updated zero momentum-ignored")
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
