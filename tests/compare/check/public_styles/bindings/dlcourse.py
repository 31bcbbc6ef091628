from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Loss, Options, only


def ReLULayer(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.ReLULayer())


def FullyConnectedLayer(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.FullyConnectedLayer(o.inputs, o.outputs)
    layer.W.value, layer.B.value = p["weight"].T.copy(), p["bias"][None].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        weight, bias = layer.params()["W"].grad.T, layer.params()["B"].grad.ravel()
        return {"grad_input": back, "grad_weight": weight, "grad_bias": bias}

    return Bound(layer.forward, backward)


def ConvolutionalLayer(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, stride=1)
    layer = m.ConvolutionalLayer(o.inputs, o.outputs, o.kernel[0], o.padding)
    layer.W.value, layer.B.value = ways.kernel_hwio(p["weight"]), p["bias"].copy()
    run = ways.channels_last(ways.plain(layer))

    def backward(d: Array) -> Arrays:
        grads = run.backward(d)
        return {**grads, "grad_weight": ways.kernel_oihw(layer.W.grad), "grad_bias": layer.B.grad}

    return Bound(run.forward, backward)


def MaxPoolingLayer(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, padding=0, average=False)
    return ways.channels_last(ways.plain(m.MaxPoolingLayer(o.kernel[0], o.stride)))


def Flattener(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.flattened_last(m.Flattener())


def softmax_with_cross_entropy(m: Any, o: Options, p: dict[str, Array]) -> Loss:
    run: Loss = m.softmax_with_cross_entropy
    return run
