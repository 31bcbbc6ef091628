from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options


def linear(layer: Any, p: dict[str, Array]) -> Bound:
    """Call a layer of columns with rows."""
    layer.w, layer.b = p["weight"].copy(), p["bias"][:, None].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backprop(d.T)
        grads = {"grad_weight": layer.nabla_w, "grad_bias": layer.nabla_b.ravel()}
        return {"grad_input": back.T, **grads}

    return Bound(lambda x: layer.feedforward(x.T).T, backward)


def FullyConnected(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    def one() -> Bound:
        run = linear(m.FullyConnected(o.inputs, o.outputs), p)

        def backward(d: Array) -> Arrays:
            grads = run.backward(d[None])
            return {**grads, "grad_input": grads["grad_input"][0]}

        return Bound(lambda x: run.forward(x[None])[0], backward)

    return ways.one_by_one(one)


def FullyConnectedBatch(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return linear(m.FullyConnectedBatch(o.inputs, o.outputs), p)


def Sigmoid(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Sigmoid()
    return Bound(layer.feedforward, lambda d: {"grad_input": layer.backprop(d)})
