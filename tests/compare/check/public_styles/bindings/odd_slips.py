from __future__ import annotations

from typing import Any

import numpy as np

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.bindings.batch_norms import norm
from tests.compare.check.public_styles.bindings.odd_habits import square
from tests.compare.check.public_styles.bindings.reported import keeping
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Loss, Options, only


def BiasColumnMean(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return keeping(m.BiasColumnMean(o.inputs, o.outputs), "W", "b", p)


def LazyEachTime(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.LazyEachTime(o.outputs)
    layer.forward(np.ones((4, o.inputs)))
    return keeping(layer, "W", "b", p, turned=True)


def HistoryFirst(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return keeping(m.HistoryFirst(o.inputs, o.outputs), "weights", "biases", p, turned=True)


def InputsFirstMixed(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.InputsFirstMixed(o.inputs, o.outputs, square(o, stride=1, padding=0))
    layer.W, layer.b = p["weight"].swapaxes(0, 1).copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        weight = layer.dW.swapaxes(0, 1)
        return {"grad_input": back, "grad_weight": weight, "grad_bias": layer.db}

    return Bound(layer.forward, backward)


def PadOnce(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.PadOnce(o.inputs, o.outputs, square(o, stride=1), o.padding)
    return keeping(layer, "weights", "bias", p)


def MaxPoolFlat(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, padding=0, average=False)
    return ways.plain(m.MaxPoolFlat(o.kernel, o.stride))


def BatchNormLastAxes(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, axes=4)
    layer = m.BatchNormLastAxes(o.features, o.momentum, o.eps)
    return norm(layer, p, lambda x: layer.forward(x, training=False), "gamma", "beta")


def LeakyGradient(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.LeakyGradient(o.slope))


def GlobalMaxTies(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, average=False)
    return ways.plain(m.GlobalMaxTies())


def SigmoidOverflow(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.SigmoidOverflow())


def SoftmaxOverflow(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.SoftmaxOverflow())


def LossOfSumOfProbabilities(m: Any, o: Options, p: dict[str, Array]) -> Loss:
    def run(logits: Array, labels: Array) -> tuple[Any, Array]:
        layer = m.LossOfSumOfProbabilities()
        return layer.forward(logits, labels), layer.backward()

    return run


def ConvGradientFull(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.ConvGradientFull(o.inputs, o.outputs, square(o, stride=1, padding=0))
    return keeping(layer, "W", "b", p)


def FlattenMixed(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.FlattenMixed())
