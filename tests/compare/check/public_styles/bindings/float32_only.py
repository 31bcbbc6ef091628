from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options, only


def dense(layer: Any, p: dict[str, Array]) -> Bound:
    layer.W, layer.b = p["weight"].T.copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        return {"grad_input": back, "grad_weight": layer.dW.T, "grad_bias": layer.db}

    return Bound(layer.forward, backward)


def Dense(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return dense(m.Dense(o.inputs, o.outputs), p)


def DenseInt(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return dense(m.DenseInt(o.inputs, o.outputs), p)


def AvgPool(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, padding=0, average=True)
    return ways.plain(m.AvgPool(o.kernel[0], o.stride))


def GlobalMaxPool(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, average=False)
    layer = m.GlobalMaxPool()
    run = ways.plain(layer)
    return Bound(
        lambda x: layer.forward(x)[:, :, 0, 0], lambda d: run.backward(d[:, :, None, None])
    )
