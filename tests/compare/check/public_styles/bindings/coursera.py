from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.bindings.cs231n import pair
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options, only


def conv_forward(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2)
    given = {"stride": o.stride, "pad": o.padding}
    bias = p["bias"][None, None, None]
    run = pair(m.conv_forward, m.conv_backward, ways.kernel_hwio(p["weight"]), bias, given)
    layer = ways.channels_last(run)

    def backward(d: Array) -> Arrays:
        grads = layer.backward(d)
        weight, bias = ways.kernel_oihw(grads["grad_weight"]), grads["grad_bias"].ravel()
        return {**grads, "grad_weight": weight, "grad_bias": bias}

    return Bound(layer.forward, backward)


def pool_forward(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, padding=0)
    given, mode = {"f": o.kernel[0], "stride": o.stride}, "average" if o.average else "max"
    run = pair(m.pool_forward, lambda d, cache: m.pool_backward(d, cache, mode), given, mode)
    return ways.channels_last(run)


def linear_forward(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    run = pair(m.linear_forward, m.linear_backward, p["weight"], p["bias"][:, None])

    def backward(d: Array) -> Arrays:
        grads = run.backward(d.T)
        bias = grads["grad_bias"].ravel()
        return {**grads, "grad_input": grads["grad_input"].T, "grad_bias": bias}

    return Bound(lambda x: run.forward(x.T).T, backward)


def relu(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return pair(m.relu, m.relu_backward)


def sigmoid(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return pair(m.sigmoid, m.sigmoid_backward)
