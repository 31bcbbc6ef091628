from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Loss, Options, only


def with_parameters(layer: Any, p: dict[str, Array], zero: bool = True) -> Bound:
    layer.weight.data, layer.bias.data = p["weight"].copy(), p["bias"].copy()

    def forward(x: Array) -> Any:
        if zero:
            layer.zero_grad()
        return layer.forward(x)

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        weight, bias = layer.weight.grad, layer.bias.grad
        return {"grad_input": back, "grad_weight": weight, "grad_bias": bias}

    return Bound(forward, backward, evaluation(layer))


def evaluation(layer: Any) -> Any:
    def evaluate(x: Array) -> Any:
        layer.eval()
        y = layer.forward(x)
        layer.train()
        return y

    return evaluate


def Linear(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return with_parameters(m.Linear(o.inputs, o.outputs), p)


def Conv2d(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2)
    return with_parameters(m.Conv2d(o.inputs, o.outputs, o.kernel[0], o.stride, o.padding), p)


def MaxPool2d(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, average=False, kernel=(o.kernel[0],) * 2)
    return ways.plain(m.MaxPool2d(o.kernel[0], o.stride, o.padding))


def BatchNorm2d(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, axes=4)
    return with_parameters(m.BatchNorm2d(o.features, o.eps, o.momentum), p)


def Dropout(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Dropout(o.p)
    run = ways.plain(layer)
    return Bound(run.forward, run.backward, evaluation(layer))


def LeakyReLU(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.LeakyReLU(o.slope))


def Tanh(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.Tanh())


def CrossEntropyLoss(m: Any, o: Options, p: dict[str, Array]) -> Loss:
    def run(logits: Array, labels: Array) -> tuple[Any, Array]:
        loss = m.CrossEntropyLoss()
        return loss.forward(logits, labels), loss.backward()

    return run
