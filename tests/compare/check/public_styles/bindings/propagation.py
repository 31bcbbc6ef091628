from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.bindings.reported import keeping
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options


def FCLayer(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    theirs = {"weight": p["weight"].T, "bias": p["bias"][None]}

    def one() -> Bound:
        layer = m.FCLayer(o.inputs, o.outputs)
        layer.forward = layer.forward_propagation
        run = ways.updating(layer, ("weights", "bias"), theirs, "backward_propagation")

        def backward(d: Array) -> Arrays:
            grads = run.backward(d[None])
            weight, bias = grads["grad_weight"].T, grads["grad_bias"][0]
            return {"grad_input": grads["grad_input"][0], "grad_weight": weight, "grad_bias": bias}

        return Bound(lambda x: run.forward(x[None])[0], backward)

    return ways.one_by_one(one)


def gradients_after(layer: Any, names: tuple[str, str], p: dict[str, Array], *grads: str) -> Bound:
    def backward(d: Array) -> Arrays:
        got = run.backward(d)
        weight, bias = (getattr(layer, name) for name in grads)
        return {**got, "grad_weight": weight.T, "grad_bias": bias}

    for name, value in zip(names, (p["weight"].T, p["bias"])):
        setattr(layer, name, value.copy())
    forward = layer.fprop if hasattr(layer, "fprop") else layer.forward
    back = layer.bprop if hasattr(layer, "bprop") else layer.backward
    run = Bound(forward, lambda d: {"grad_input": back(d)})
    return Bound(forward, backward)


def Affine2(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return gradients_after(m.Affine2(o.inputs, o.outputs), ("w", "b"), p, "gw", "gb")


def Lists(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Lists(o.inputs, o.outputs)
    layer.get_params()[0][...], layer.get_params()[1][...] = p["weight"].T, p["bias"]

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        weight, bias = layer.get_grads()
        return {"grad_input": back, "grad_weight": weight.T, "grad_bias": bias[0]}

    return Bound(layer.forward, backward)


def Leibniz(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Leibniz(o.inputs, o.outputs)
    layer.W, layer.b = p["weight"].copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        return {"grad_input": back, "grad_weight": layer.dL_dW, "grad_bias": layer.dL_db}

    return Bound(layer.forward, backward)


def Cached(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Cached(o.inputs, o.outputs)
    layer.params = {"W": p["weight"].T.copy(), "b": p["bias"][None].copy()}

    def backward(d: Array) -> Arrays:
        back, grads = layer.backward(d), layer.grads
        return {"grad_input": back, "grad_weight": grads["dW"].T, "grad_bias": grads["db"][0]}

    return Bound(layer.forward, backward)


def Batched(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer, grads = m.Batched(o.inputs, o.outputs), ("weight_grad", "bias_grad")
    return gradients_after(layer, ("weight", "bias"), p, *grads)


def Activated(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return keeping(m.Activated(o.inputs, o.outputs), "W", "b", p, turned=True)


def SigmoidCall(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.SigmoidCall()
    kept: list[Array] = []

    def forward(x: Array) -> Any:
        kept[:] = [x]
        return layer(x)

    return Bound(forward, lambda d: {"grad_input": d * layer.gradient(kept[0])})


def SoftMax(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.SoftMax())
