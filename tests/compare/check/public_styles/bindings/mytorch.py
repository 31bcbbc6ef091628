from __future__ import annotations

from typing import Any

import numpy as np

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.bindings.odd_habits import square
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Loss, Options, only


def affine(layer: Any, p: dict[str, Array]) -> Bound:
    layer.W, layer.b = p["weight"].copy(), p["bias"].reshape(layer.b.shape).copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        return {"grad_input": back, "grad_weight": layer.dLdW, "grad_bias": layer.dLdb.ravel()}

    return Bound(layer.forward, backward)


def Linear(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return affine(m.Linear(o.inputs, o.outputs), p)


def LinearOfMean(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return affine(m.LinearOfMean(o.inputs, o.outputs), p)


def Sigmoid(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.Sigmoid())


def Tanh(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.Tanh())


def ReLU(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.ReLU())


def Conv2d_stride1(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return affine(m.Conv2d_stride1(o.inputs, o.outputs, square(o, stride=1, padding=0)), p)


def Conv2dUnflipped(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return affine(m.Conv2dUnflipped(o.inputs, o.outputs, square(o, stride=1, padding=0)), p)


def MeanPool2d_stride1(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, stride=1, padding=0, average=True)
    return ways.plain(m.MeanPool2d_stride1(square(o)))


def CrossEntropyLoss(m: Any, o: Options, p: dict[str, Array]) -> Loss:
    def run(logits: Array, labels: Array) -> tuple[Any, Array]:
        layer = m.CrossEntropyLoss()
        return layer.forward(logits, np.eye(logits.shape[1])[labels]), layer.backward()

    return run
