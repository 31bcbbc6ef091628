from __future__ import annotations

from typing import Any

import numpy as np

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options, only


def FullyConnected(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.FullyConnected(o.outputs)
    layer.forward(np.ones((1, o.inputs)))
    layer.parameters = {"W": p["weight"].T.copy(), "b": p["bias"][None].copy()}

    def forward(x: Array) -> Any:
        layer.flush_gradients()
        return layer.forward(x)

    def backward(d: Array) -> Arrays:
        back, grads = layer.backward(d), layer.gradients
        return {"grad_input": back, "grad_weight": grads["W"].T, "grad_bias": grads["b"][0]}

    return Bound(forward, backward)


def dense(layer: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer.forward(np.ones((1, o.inputs)))
    layer.params = {"w": p["weight"].T.copy(), "b": p["bias"].copy()}

    def backward(d: Array) -> Arrays:
        back, grads = layer.backward(d), layer.grads
        return {"grad_input": back, "grad_weight": grads["w"].T, "grad_bias": grads["b"]}

    return Bound(layer.forward, backward)


def Dense(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return dense(m.Dense(o.outputs), o, p)


def DensePenalty(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return dense(m.DensePenalty(o.outputs), o, p)


def Conv2D(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, padding=0)
    layer = m.Conv2D([*o.kernel, o.inputs, o.outputs], (o.stride, o.stride))
    layer.params = {"w": ways.kernel_hwio(p["weight"]), "b": p["bias"].copy()}
    run = ways.channels_last(ways.plain(layer))

    def backward(d: Array) -> Arrays:
        grads = run.backward(d)
        weight = ways.kernel_oihw(layer.grads["w"])
        return {**grads, "grad_weight": weight, "grad_bias": layer.grads["b"]}

    return Bound(run.forward, backward)
