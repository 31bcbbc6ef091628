from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Loss, Options, only


def stepped(layer: Any) -> Bound:
    """`gradient` goes back; `backward(0)` is called after each pass and clears the gradients."""

    def backward(d: Array) -> Arrays:
        grads = {"grad_input": layer.gradient(d)}
        if hasattr(layer, "weights"):
            grads |= {"grad_weight": layer.w_gradient.copy(), "grad_bias": layer.b_gradient.copy()}
            layer.backward(0.0)
        return grads

    return Bound(layer.forward, backward)


def linear(layer: Any, p: dict[str, Array]) -> Bound:
    layer.weights, layer.bias = p["weight"].T.copy(), p["bias"].copy()
    run = stepped(layer)

    def backward(d: Array) -> Arrays:
        grads = run.backward(d)
        return {**grads, "grad_weight": grads["grad_weight"].T}

    return Bound(run.forward, backward)


def Conv2D(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, padding=0)
    layer = m.Conv2D(o.inputs, o.outputs, o.kernel[0], o.stride)
    run = ways.channels_last(stepped(layer))

    def forward(x: Array) -> Array:
        layer.weights, layer.bias = ways.kernel_hwio(p["weight"]), p["bias"].copy()
        return run.forward(x)

    def backward(d: Array) -> Arrays:
        grads = run.backward(d)
        return {**grads, "grad_weight": ways.kernel_oihw(grads["grad_weight"])}

    return Bound(forward, backward)


def FullyConnect(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return linear(m.FullyConnect(o.inputs, o.outputs), p)


def FullyConnectOnce(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return linear(m.FullyConnectOnce(o.inputs, o.outputs), p)


def Relu(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return stepped(m.Relu())


def LeakyRelu(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return stepped(m.LeakyRelu(o.slope))


def MaxPooling(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, padding=0, average=False)
    return stepped(m.MaxPooling(o.kernel[0], o.stride))


def Softmax(m: Any, o: Options, p: dict[str, Array]) -> Loss:
    def run(logits: Array, labels: Array) -> tuple[Any, Array]:
        layer = m.Softmax()
        return layer.cal_loss(logits, labels), layer.gradient()

    return run
