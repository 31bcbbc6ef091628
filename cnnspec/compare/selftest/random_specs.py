"""Random specs without a fault: layers, sizes, options and optimizers of every kind."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from cnnspec.errors import ShapeError
from cnnspec.randomness import stream
from cnnspec.spec.layers import AnyLayer, BatchNorm, Conv, Flatten, Linear, Pool, ReLU
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import SGD, Adam, AnyOptimizer
from cnnspec.spec.sizes import Pair, Shape
from cnnspec.spec.training import Training

MOST_NUMBERS = 4 * 8 * 8
"""Of what a layer gives for one image: as many as the largest image has."""

T = TypeVar("T")

Drawn = Callable[[np.random.Generator, Shape], AnyLayer]


def random_spec(seed: int, number: int) -> ModelSpec:
    """Return one of endlessly many random specs; the same arguments give the same one."""
    random = stream(seed, "random spec", number)
    images = _from(random, 1, 4), _from(random, 1, 8), _from(random, 1, 8)
    shape: Shape = images
    layers: list[AnyLayer] = []

    def add(layer: AnyLayer) -> None:
        nonlocal shape
        try:
            output = layer.output_shape(shape)
        except ShapeError:
            return
        if math.prod(output) <= MOST_NUMBERS:
            layers.append(layer)
            shape = output

    for _ in range(_from(random, 0, 5)):
        add(_one_of(random, OF_IMAGES)(random, shape))
    add(Flatten())
    for _ in range(_from(random, 0, 3)):
        add(_one_of(random, OF_FEATURES)(random, shape))
    add(Linear(out_features=_from(random, 2, 8), bias=_yes(random)))
    training = Training(
        batch_size=_from(random, 2, 12),
        optimizer=_one_of(random, OPTIMIZERS)(random),
        seed=_from(random, 0, 2**31),
    )
    return ModelSpec(name=f"random-{number}", input=images, layers=layers, training=training)


def _conv(random: np.random.Generator, shape: Shape) -> Conv:
    channels, height, width = shape
    groups = _one_of(random, [g for g in range(1, channels + 1) if channels % g == 0])
    same = _yes(random, 0.3)
    return Conv(
        out_channels=groups * _from(random, 1, max(1, 4 // groups)),
        kernel_size=_sizes(random, 1, (min(height, 4), min(width, 4))),
        stride=1 if same else _sizes(random, 1, (3, 3)),
        padding="same" if same else _sizes(random, 0, (2, 2)),
        dilation=_sizes(random, 1, (2, 2)),
        groups=groups,
        bias=_yes(random, 0.8),
    )


def _pool(random: np.random.Generator, shape: Shape) -> Pool:
    _, height, width = shape
    # One more than the image has: with padding, or in ceil_mode, such a window may fit.
    rows, columns = _sizes(random, 1, (min(height + 1, 4), min(width + 1, 4)))
    return Pool(
        kind=_one_of(random, ["max", "avg"]),
        kernel_size=(rows, columns),
        stride=None if _yes(random) else _sizes(random, 1, (3, 3)),
        padding=_sizes(random, 0, (rows // 2, columns // 2)),
        ceil_mode=_yes(random),
    )


def _relu(random: np.random.Generator, shape: Shape) -> ReLU:
    return ReLU()


def _batch_norm(random: np.random.Generator, shape: Shape) -> BatchNorm:
    return BatchNorm(
        eps=_power(random, -6, -2), momentum=_share(random, 1.0), affine=_yes(random, 0.8)
    )


def _linear(random: np.random.Generator, shape: Shape) -> Linear:
    return Linear(out_features=_from(random, 1, 8), bias=_yes(random, 0.8))


OF_IMAGES: list[Drawn] = [_conv, _conv, _pool, _relu, _batch_norm]
OF_FEATURES: list[Drawn] = [_linear, _relu, _batch_norm]


def _sgd(random: np.random.Generator) -> SGD:
    momentum = _share(random, 0.99)
    return SGD(
        learning_rate=_power(random, -4, 0),
        momentum=momentum,
        nesterov=momentum > 0 and _yes(random),
        weight_decay=_share(random, 1.0),
    )


def _adam(random: np.random.Generator) -> Adam:
    return Adam(
        learning_rate=_power(random, -5, 0),
        betas=(_share(random, 0.99), _share(random, 0.999)),
        eps=_power(random, -10, 0),
        weight_decay=_share(random, 1.0),
    )


OPTIMIZERS: list[Callable[[np.random.Generator], AnyOptimizer]] = [_sgd, _adam]


def _from(random: np.random.Generator, least: int, most: int) -> int:
    return int(random.integers(least, most + 1))


def _sizes(random: np.random.Generator, least: int, most: Pair) -> Pair:
    return _from(random, least, most[0]), _from(random, least, most[1])


def _one_of(random: np.random.Generator, options: list[T]) -> T:
    return options[int(random.integers(len(options)))]


def _yes(random: np.random.Generator, share: float = 0.5) -> bool:
    return bool(random.random() < share)


def _share(random: np.random.Generator, most: float) -> float:
    """Draw 0 as often as not."""
    return 0.0 if _yes(random) else float(random.uniform(0, most))


def _power(random: np.random.Generator, least: int, most: int) -> float:
    return float(10 ** random.uniform(least, most))
