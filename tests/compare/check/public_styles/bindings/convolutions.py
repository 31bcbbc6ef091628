from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.bindings.cs231n import pair
from tests.compare.check.public_styles.bindings.reported import keeping
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options, only


def square(o: Options, **more: object) -> int:
    only(o, kernel=(o.kernel[0],) * 2, **more)
    return int(o.kernel[0])


def ShortNames(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return keeping(m.ShortNames(o.inputs, o.outputs, square(o), o.stride, o.padding), "w", "b", p)


def Im2colOrder(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Im2colOrder(o.inputs, o.outputs, square(o, stride=1, padding=0))
    return keeping(layer, "W", "b", p)


def PadNotCut(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.PadNotCut(o.inputs, o.outputs, square(o, stride=1), o.padding)
    return keeping(layer, "kernels", "biases", p)


def OneImageOfDw(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.OneImageOfDw(o.inputs, o.outputs, square(o, padding=0), o.stride)
    return keeping(layer, "weights", "bias", p)


def BiasPerPosition(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.BiasPerPosition(o.inputs, o.outputs, square(o, stride=1, padding=0))
    layer.weight, layer.bias = p["weight"].copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        return {"grad_input": back, "grad_weight": layer.weight_grad, "grad_bias": layer.bias_grad}

    return Bound(layer.forward, backward)


def Grouped(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Grouped(o.inputs, o.outputs, square(o, stride=1, padding=0), o.groups)
    return keeping(layer, "weight", "bias", p)


def GroupedWrongly(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.GroupedWrongly(o.inputs, o.outputs, square(o, stride=1, padding=0), o.groups)
    return keeping(layer, "weight", "bias", p)


def PoolKinds(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    method = "avg" if o.average else "max"
    return ways.plain(m.PoolKinds(square(o, padding=0), o.stride, method))


def PoolMaskKept(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.PoolMaskKept(square(o, stride=o.kernel[0], padding=0, average=False)))


def PoolLastCut(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.PoolLastCut(square(o, padding=0, average=False), o.stride))


def AvgPoolChannels(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.plain(m.AvgPoolChannels(square(o, padding=0, average=True), o.stride))


def avgpool_forward(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    size = square(o, padding=0, average=True)
    return pair(m.avgpool_forward, m.avgpool_backward, size, o.stride)
