from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options


def called(layer: Any) -> Bound:
    return Bound(layer, lambda d: {"grad_input": layer.backward(d)})


def Linear(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Linear(o.inputs, o.outputs)
    layer._params.update(weight=p["weight"].T.copy(), bias=p["bias"].copy())

    def backward(d: Array) -> Arrays:
        back, grads = layer.backward(d), layer._grads
        return {"grad_input": back, "grad_weight": grads["weight"].T, "grad_bias": grads["bias"]}

    return Bound(layer, backward)


def LinearLate(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.LinearLate(o.inputs, o.outputs, lr=0.01)

    def forward(x: Array) -> Any:
        layer._params.update(weight=p["weight"].T.copy(), bias=p["bias"].copy())
        return layer(x)

    def backward(d: Array) -> Arrays:
        back, after = layer.backward(d), layer._params
        weight, bias = (p["weight"] - after["weight"].T) / 0.01, (p["bias"] - after["bias"]) / 0.01
        return {"grad_input": back, "grad_weight": weight, "grad_bias": bias}

    return Bound(forward, backward)


def Tanh(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return called(m.Tanh())


def Softmax(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return called(m.Softmax())
