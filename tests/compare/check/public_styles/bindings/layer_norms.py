from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options


def norm(layer: Any, p: dict[str, Array], names: tuple[str, str], grads: tuple[str, str]) -> Bound:
    for name, value in zip(names, p.values()):
        setattr(layer, name, value.copy())

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        weight, bias = (getattr(layer, name) for name in grads)
        return {"grad_input": back, "grad_weight": weight, "grad_bias": bias}

    return Bound(layer.forward, backward)


def LayerNorm(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.LayerNorm(o.features, o.eps)
    return norm(layer, p, ("gamma", "beta"), ("dgamma", "dbeta"))


def LayerNormUnbiased(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return norm(m.LayerNormUnbiased(o.features, o.eps), p, ("a", "b"), ("da", "db"))


def LayerNormOverBatch(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.LayerNormOverBatch(o.features, o.eps)
    return norm(layer, p, ("weight", "bias"), ("weight_grad", "bias_grad"))
