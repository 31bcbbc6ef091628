from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.bindings.reported import keeping
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Loss, Options, only

Bind = Callable[[Any, Options, dict[str, Array]], Bound]


def _plain(name: str) -> Bind:
    return lambda m, o, p: ways.plain(getattr(m, name)())


FlattenF, FlattenRavel = _plain("FlattenF"), _plain("FlattenRavel")
ReLUMaskOfGradient, TanhUpstream = _plain("ReLUMaskOfGradient"), _plain("TanhUpstream")
SoftmaxStableLast = _plain("SoftmaxStableLast")


def LinearMeanBias(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return keeping(m.LinearMeanBias(o.inputs, o.outputs), "W", "b", p, turned=True)


def LinearReshaped(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return keeping(m.LinearReshaped(o.inputs, o.outputs), "W", "b", p)


def LinearEinsum(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return keeping(m.LinearEinsum(o.inputs, o.outputs), "weights", "biases", p)


def ConvTuple(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    pairs = (o.stride, o.stride), (o.padding, o.padding)
    return keeping(m.ConvTuple(p["weight"].shape, *pairs), "filters", "bias", p)


def ConvStridePair(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, padding=0)
    layer = m.ConvStridePair(o.inputs, o.outputs, o.kernel, o.stride)
    layer.weight, layer.bias = p["weight"].copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        return {"grad_input": back, "grad_weight": layer.weight_grad, "grad_bias": layer.bias_grad}

    return Bound(layer.forward, backward)


def ConvLastChannel(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, stride=1, padding=0)
    return keeping(m.ConvLastChannel(o.inputs, o.outputs, o.kernel[0]), "weight", "bias", p)


def AvgPoolStride(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, padding=0, average=True)
    return ways.plain(m.AvgPoolStride(o.kernel[0], o.stride))


def MaxPoolReshape(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(2, 2), stride=2, padding=0, average=False)
    return ways.plain(m.MaxPoolReshape(2))


def GlobalAvg(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, average=True)
    return ways.plain(m.GlobalAvg())


def GlobalAvgSum(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, average=True)
    layer = m.GlobalAvgSum()
    run = ways.plain(layer)
    return Bound(
        lambda x: layer.forward(x)[:, :, 0, 0], lambda d: run.backward(d[:, :, None, None])
    )


def LeakyAlpha(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.LeakyAlpha(o.slope))


def GELUExact(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, approximate="none")
    return ways.plain(m.GELUExact())


def CrossEntropyOneHotMean(m: Any, o: Options, p: dict[str, Array]) -> Loss:
    def run(logits: Array, labels: Array) -> tuple[Any, Array]:
        layer = m.CrossEntropyOneHotMean()
        return layer.forward(logits, np.eye(logits.shape[1])[labels]), layer.backward()

    return run
