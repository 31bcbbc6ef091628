from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options, only


def ConvolutionLayer(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2)
    layer = m.ConvolutionLayer(o.inputs, o.outputs, o.kernel[0], o.stride, o.padding)
    layer.filterWeights, layer.filterBiases = p["weight"].copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        weight, bias = layer.filterGradients, layer.biasGradients
        return {"grad_input": back, "grad_weight": weight, "grad_bias": bias}

    return Bound(layer.forward, backward)


def dense(layer: Any, p: dict[str, Array]) -> Bound:
    layer.weightMatrix, layer.biasVector = p["weight"].T.copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        weight, bias = layer.weightGradient.T, layer.biasGradient
        return {"grad_input": back, "grad_weight": weight, "grad_bias": bias}

    return Bound(layer.forward, backward)


def DenseLayer(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return dense(m.DenseLayer(o.inputs, o.outputs), p)


def DenseLayerShared(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return dense(m.DenseLayerShared(o.inputs, o.outputs), p)


def MaxPoolLayer(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, padding=0, average=False)
    return ways.plain(m.MaxPoolLayer(o.kernel[0], o.stride))


def SigmoidActivation(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.SigmoidActivation())
