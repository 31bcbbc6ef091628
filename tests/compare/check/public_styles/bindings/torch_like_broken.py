from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.bindings.torch_like import (
    CrossEntropyLoss,
    Dropout,
    LeakyReLU,
    MaxPool2d,
    with_parameters,
)
from tests.compare.check.public_styles.truth import Array, Bound, Options, only

__all__ = ["CrossEntropyLoss", "Dropout", "LeakyReLU", "MaxPool2d"]


def Linear(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return with_parameters(m.Linear(o.inputs, o.outputs), p, zero=False)


def Conv2d(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Conv2d(o.inputs, o.outputs, o.kernel, o.stride, o.padding)
    return with_parameters(layer, p, zero=False)


def BatchNorm2d(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, axes=4)
    return with_parameters(m.BatchNorm2d(o.features, o.eps, o.momentum), p, zero=False)
