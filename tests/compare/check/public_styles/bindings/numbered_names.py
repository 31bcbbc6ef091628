from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options, only


def conv(layer: Any, p: dict[str, Array]) -> Bound:
    layer.W, layer.b = p["weight"].copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        return {"grad_input": back, "grad_weight": layer.dW, "grad_bias": layer.db}

    return Bound(layer.forward, backward)


def Convolution2D(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    strides = (o.stride, o.stride)
    return conv(m.Convolution2D(o.inputs, o.outputs, *o.kernel, strides, o.padding), p)


def Convolution2DRows(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, stride=1, padding=0)
    return conv(m.Convolution2DRows(o.inputs, o.outputs, *o.kernel), p)


def InnerProduct(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.InnerProduct(o.outputs, o.inputs)
    layer.weight, layer.bias = p["weight"].copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        return {"grad_input": back, "grad_weight": layer.d_weight, "grad_bias": layer.d_bias}

    return Bound(layer.forward, backward)


def InnerProductSquare(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.InnerProductSquare(o.inputs, o.outputs)
    layer.weight, layer.bias = p["weight"].T.copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        return {"grad_input": back, "grad_weight": layer.d_weight.T, "grad_bias": layer.d_bias}

    return Bound(layer.forward, backward)
