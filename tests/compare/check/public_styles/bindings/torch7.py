from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options


def module(layer: Any) -> Bound:
    """Call a module whose backward pass is given the input again."""
    kept: list[Array] = []

    def forward(x: Array) -> Any:
        kept[:] = [x]
        layer.zeroGradParameters()
        return layer.forward(x)

    def evaluate(x: Array) -> Any:
        layer.evaluate()
        y = layer.forward(x)
        layer.train()
        return y

    return Bound(forward, lambda d: {"grad_input": layer.backward(kept[0], d)}, evaluate)


def linear(layer: Any, p: dict[str, Array]) -> Bound:
    layer.W, layer.b = p["weight"].copy(), p["bias"].copy()
    run = module(layer)

    def backward(d: Array) -> Arrays:
        grads = run.backward(d)
        return {**grads, "grad_weight": layer.gradW, "grad_bias": layer.gradb}

    return Bound(run.forward, backward)


def Linear(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return linear(m.Linear(o.inputs, o.outputs), p)


def LinearSwapped(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return linear(m.LinearSwapped(o.inputs, o.outputs), p)


def ReLU(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return module(m.ReLU())


def LeakyReLU(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return module(m.LeakyReLU(o.slope))


def SoftMax(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return module(m.SoftMax())


def Dropout(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return module(m.Dropout(o.p))


def Tanh(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return module(m.Tanh())
