from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.bindings.batch_norms import norm
from tests.compare.check.public_styles.bindings.cs231n import pair
from tests.compare.check.public_styles.bindings.odd_habits import square
from tests.compare.check.public_styles.bindings.propagation import gradients_after
from tests.compare.check.public_styles.truth import Array, Bound, Loss, Options, only


def dense(layer: Any, p: dict[str, Array]) -> Bound:
    shape = layer.bias.shape
    run = gradients_after(layer, ("weights", "bias"), p, "d_weights", "d_bias")
    layer.bias = p["bias"].reshape(shape).copy()

    def backward(d: Array) -> Any:
        grads = dict(run.backward(d))
        return grads | {"grad_bias": grads["grad_bias"].ravel()}

    return Bound(run.forward, backward)


def SGDUpdateInside(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return dense(m.SGDUpdateInside(o.inputs, o.outputs), p)


def Clipped(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return dense(m.Clipped(o.inputs, o.outputs), p)


def Rounded(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return dense(m.Rounded(o.inputs, o.outputs), p)


def ForgetsToReturn(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return dense(m.ForgetsToReturn(o.inputs, o.outputs), p)


def loss(layer: Any) -> Loss:
    return lambda logits, labels: (layer(logits, labels), layer.backward())


def SoftmaxLoss(m: Any, o: Options, p: dict[str, Array]) -> Loss:
    return loss(m.SoftmaxLoss())


def SoftmaxLossOneImage(m: Any, o: Options, p: dict[str, Array]) -> Loss:
    return loss(m.SoftmaxLossOneImage())


def BatchNormLate(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, axes=2)
    layer = m.BatchNormLate(o.features, o.eps, o.momentum)

    def evaluate(x: Array) -> Any:
        layer.training = False
        y = layer.forward(x)
        layer.training = True
        return y

    return norm(layer, p, evaluate, "gamma", "beta")


def PoolAverage(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.PoolAverage(square(o, average=True), o.stride, o.padding))


def PoolAverageReal(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.PoolAverageReal(square(o, average=True), o.stride, o.padding))


def ReluOfGradient(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.ReluOfGradient())


def dropout_forward(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    run = pair(m.dropout_forward, m.dropout_backward, {"p": o.p, "mode": "train"})
    test = pair(m.dropout_forward, m.dropout_backward, {"p": o.p, "mode": "test"})
    return Bound(run.forward, run.backward, test.forward)


def tanh_forward(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return pair(m.tanh_forward, m.tanh_backward)


def layernorm_forward(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    given = p["weight"].copy(), p["bias"].copy(), {"eps": o.eps}
    return pair(m.layernorm_forward, m.layernorm_backward, *given)


def maxpool_forward(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    given = {"pool_height": square(o, padding=0, average=False), "stride": o.stride}
    return Bound(lambda x: m.maxpool_forward(x, given)[0], lambda d: {})
