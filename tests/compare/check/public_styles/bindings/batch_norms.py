from __future__ import annotations

from typing import Any

import numpy as np

from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options, only


def norm(layer: Any, p: dict[str, Array], evaluate: Any, weight: str, bias: str) -> Bound:
    for name, value in zip((weight, bias), p.values()):
        setattr(layer, name, value.reshape(getattr(layer, name).shape).copy())
    prefix = "grad_" if hasattr(layer, "weight") else "d"

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        dw, db = getattr(layer, prefix + weight), getattr(layer, prefix + bias)
        return {"grad_input": back, "grad_weight": np.ravel(dw), "grad_bias": np.ravel(db)}

    return Bound(layer.forward, backward, evaluate)


def KerasBatchNorm(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, axes=2)
    layer = m.KerasBatchNorm(o.features, 1 - o.momentum, o.eps)
    return norm(layer, p, lambda x: layer.forward(x, training=False), "gamma", "beta")


def ByHand(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, axes=2)
    layer = m.ByHand(o.features, o.eps, o.momentum)

    def evaluate(x: Array) -> Any:
        layer.mode = "test"
        y = layer.forward(x)
        layer.mode = "train"
        return y

    return norm(layer, p, evaluate, "weight", "bias")


def Both(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Both(o.features, o.eps, o.momentum)

    def evaluate(x: Array) -> Any:
        layer.training = False
        y = layer.forward(x)
        layer.training = True
        return y

    return norm(layer, p, evaluate, "gamma", "beta")


def UpdatesAtTest(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, axes=2)
    layer = m.UpdatesAtTest(o.features, o.eps, o.momentum)
    return norm(layer, p, lambda x: layer.forward(x, train=False), "gamma", "beta")


def EachImage(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, axes=4)
    layer = m.EachImage(o.features, o.eps, o.momentum)
    return norm(layer, p, lambda x: layer.forward(x, training=False), "gamma", "beta")
