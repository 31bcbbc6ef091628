from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.bindings.odd_habits import square
from tests.compare.check.public_styles.bindings.propagation import gradients_after
from tests.compare.check.public_styles.bindings.reported import keeping
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options


def Dense(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Dense(o.inputs, o.outputs)
    layer.weights, layer.biases = p["weight"].T.copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        found = layer.backward(d)
        grads = {"grad_weight": found["dw"].T, "grad_bias": found["db"]}
        return {"grad_input": found["dx"], **grads}

    return Bound(layer.forward, backward)


def again(layer: Any, p: dict[str, Array]) -> Bound:
    """Call a layer whose backward pass is given the input again, and steps at once."""
    rate = layer.learning_rate
    kept: list[Array] = []

    def forward(x: Array) -> Any:
        layer.weights, layer.biases = p["weight"].T.copy(), p["bias"].copy()
        kept[:] = [x]
        return layer.forward(x)

    def backward(d: Array) -> Arrays:
        back = layer.backward(kept[0], d)
        weight, bias = p["weight"] - layer.weights.T, p["bias"] - layer.biases
        return {"grad_input": back, "grad_weight": weight / rate, "grad_bias": bias / rate}

    return Bound(forward, backward)


def DenseInputAgain(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return again(m.DenseInputAgain(o.inputs, o.outputs), p)


def DenseInputAgainMean(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return again(m.DenseInputAgainMean(o.inputs, o.outputs), p)


def ReLU(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.ReLU()
    kept: list[Array] = []

    def forward(x: Array) -> Any:
        kept[:] = [x]
        return layer.forward(x)

    return Bound(forward, lambda d: {"grad_input": layer.backward(kept[0], d)})


def Sequential(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Sequential(o.inputs, o.outputs)
    layer.forward = layer.call
    return gradients_after(layer, ("kernel", "bias"), p, "kernel_gradient", "bias_gradient")


def MaxPool(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.MaxPool(square(o, padding=0, average=False), o.stride))


def MaxPoolKeepsPlaces(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.MaxPoolKeepsPlaces(square(o, padding=0, average=False), o.stride))


def ConvNoBias(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    p["bias"][:] = 0
    layer = m.ConvNoBias(o.inputs, o.outputs, square(o, stride=1, padding=0))
    layer.w = p["weight"].copy()

    def backward(d: Array) -> Arrays:
        return {"grad_input": layer.backward(d), "grad_weight": layer.dw}

    return Bound(layer.forward, backward)


def FirstLayer(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.FirstLayer(o.inputs, o.outputs)
    layer.W, layer.b = p["weight"].T.copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        layer.backward(d)
        return {"grad_weight": layer.dW.T, "grad_bias": layer.db}

    return Bound(layer.forward, backward)


def Tanh(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.Tanh())


def ConvLossOfAxis(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.ConvLossOfAxis(o.inputs, o.outputs, square(o, stride=1, padding=0))
    return keeping(layer, "w", "b", p)
