from __future__ import annotations

from typing import Any

import numpy as np

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Loss, Options, only


def Relu(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.Relu())


def Sigmoid(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.Sigmoid())


def Affine(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Affine(p["weight"].T.copy(), p["bias"].copy())

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        return {"grad_input": back, "grad_weight": layer.dW.T, "grad_bias": layer.db}

    return Bound(layer.forward, backward)


def MatMul(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.MatMul(p["weight"].T.copy(), p["bias"].copy())

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        weight, bias = layer.grads
        return {"grad_input": back, "grad_weight": weight.T, "grad_bias": bias}

    return Bound(layer.forward, backward)


def Convolution(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Convolution(p["weight"].copy(), p["bias"].copy(), o.stride, o.padding)

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        return {"grad_input": back, "grad_weight": layer.dW, "grad_bias": layer.db}

    return Bound(layer.forward, backward)


def Pooling(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, average=False)
    return ways.plain(m.Pooling(*o.kernel, stride=o.stride, pad=o.padding))


def SoftmaxWithLoss(m: Any, o: Options, p: dict[str, Array]) -> Loss:
    def run(logits: Array, labels: Array) -> tuple[Any, Array]:
        layer = m.SoftmaxWithLoss()
        return layer.forward(logits, labels), layer.backward()

    return run


def Dropout(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Dropout(o.p)
    run = ways.plain(layer)
    return Bound(run.forward, run.backward, lambda x: layer.forward(x, train_flg=False))


def BatchNormalization(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, axes=2)
    d = o.features
    # Its momentum is the share of the old statistics.
    given = {"running_mean": np.zeros(d), "running_var": np.ones(d)}
    layer = m.BatchNormalization(p["weight"], p["bias"], 1 - o.momentum, **given)

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        return {"grad_input": back, "grad_weight": layer.dgamma, "grad_bias": layer.dbeta}

    return Bound(layer.forward, backward, lambda x: layer.forward(x, train_flg=False))
