from __future__ import annotations

from typing import Any

import numpy as np

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.bindings.batch_norms import norm
from tests.compare.check.public_styles.bindings.dropouts import switched
from tests.compare.check.public_styles.bindings.reported import keeping
from tests.compare.check.public_styles.truth import (
    Array,
    Arrays,
    Bound,
    Loss,
    NotTakenError,
    Options,
    only,
)


def square(o: Options, **more: object) -> int:
    only(o, kernel=(o.kernel[0],) * 2, **more)
    return int(o.kernel[0])


def BiasColumn(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return keeping(m.BiasColumn(o.inputs, o.outputs), "W", "b", p)


def Record(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return keeping(m.Record(o.inputs, o.outputs), "weight", "bias", p, turned=True)


def Slots(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return keeping(m.Slots(o.inputs, o.outputs), "W", "b", p, turned=True)


def Lazy(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Lazy(o.outputs)
    layer.forward(np.ones((1, o.inputs)))
    return keeping(layer, "W", "b", p, turned=True)


def Named(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return keeping(m.Named("fc", o.inputs, o.outputs), "W", "b", p, turned=True)


def Talkative(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return keeping(m.Talkative(o.inputs, o.outputs), "weights", "biases", p, turned=True)


def Properties(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Properties(o.inputs, o.outputs)
    layer.weight, layer.bias = p["weight"].T.copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        weight, bias = layer.grad_weight.T, layer.grad_bias
        return {"grad_input": back, "grad_weight": weight, "grad_bias": bias}

    return Bound(layer.forward, backward)


def BiasOfOnes(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.BiasOfOnes(o.inputs, o.outputs, square(o, stride=1, padding=0))
    return keeping(layer, "filters", "bias", p)


def InputsFirst(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.InputsFirst(o.inputs, o.outputs, square(o, stride=1, padding=0))
    layer.W, layer.b = p["weight"].swapaxes(0, 1).copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        weight = layer.dW.swapaxes(0, 1)
        return {"grad_input": back, "grad_weight": weight, "grad_bias": layer.db}

    return Bound(layer.forward, backward)


def SameAlways(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(3, 3), stride=1, padding=1)
    return keeping(m.SameAlways(o.inputs, o.outputs), "W", "b", p)


def PaddingWords(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    k = square(o, stride=1)
    if o.padding not in (0, (k - 1) / 2):
        only(o, padding=0)
    padding = "same" if o.padding else "valid"
    return keeping(m.PaddingWords(o.inputs, o.outputs, k, padding), "weights", "bias", p)


def MaxPool2x2(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(2, 2), stride=2, padding=0, average=False)
    return ways.plain(m.MaxPool2x2())


def BatchNormKept(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, axes=4)
    layer = m.BatchNormKept(o.features, o.momentum, o.eps)

    def evaluate(x: Array) -> Any:
        layer.is_train = False
        y = layer.forward(x)
        layer.is_train = True
        return y

    return norm(layer, p, evaluate, "gamma", "beta")


def BatchNormLast(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, axes=4)
    layer = m.BatchNormLast(o.features, o.momentum, o.eps)
    run = norm(layer, p, None, "gamma", "beta")

    def evaluate(x: Array) -> Any:
        return ways.to_chw(layer.forward(ways.to_hwc(x), training=False))

    last = ways.channels_last(run)
    return Bound(last.forward, last.backward, evaluate)


def LeakyBuiltIn(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    o.slope = 0.01
    return ways.plain(m.LeakyBuiltIn())


def GlobalMax(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, average=False)
    return ways.plain(m.GlobalMax())


def SigmoidOfScipy(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.SigmoidOfScipy())


def LossAndProbabilities(m: Any, o: Options, p: dict[str, Array]) -> Loss:
    def run(logits: Array, labels: Array) -> tuple[Any, Array]:
        layer = m.LossAndProbabilities()
        return layer.forward(logits, labels)[0], layer.backward()

    return run


def SpatialDropout(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    if not hasattr(o, "per"):
        raise NotTakenError("per")
    return switched(m.SpatialDropout(o.p), "training", True, False)
