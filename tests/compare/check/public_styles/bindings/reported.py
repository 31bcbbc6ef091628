from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options, only


def keeping(layer: Any, weight: str, bias: str, p: Arrays, turned: bool = False) -> Bound:
    """Call a layer that keeps its gradients beside its parameters: `dNAME`."""
    theirs = {"weight": p["weight"].T if turned else p["weight"], "bias": p["bias"]}
    for name, value in zip((weight, bias), theirs.values()):
        setattr(layer, name, value.reshape(getattr(layer, name).shape).copy())

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        names = [
            next(
                n
                for n in (f"d{name}", f"grad_{name}", f"d{name[0].upper()}{name[1:]}")
                if hasattr(layer, n)
            )
            for name in (weight, bias)
        ]
        dw, db = (getattr(layer, name) for name in names)
        return {"grad_input": back, "grad_weight": dw.T if turned else dw, "grad_bias": db.ravel()}

    return Bound(layer.forward, backward)


def BatchStatistics(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, axes=2)
    layer = m.BatchStatistics(o.features, o.eps, o.momentum)
    run = keeping(layer, "gamma", "beta", p)
    return Bound(run.forward, run.backward, lambda x: layer.forward(x, training=False))


def FiltersFirst(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, padding=0)
    layer = m.FiltersFirst(o.outputs, o.kernel[0], o.inputs, o.stride)
    return keeping(layer, "kernels", "bias", p)


def SizeFirst(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, stride=1, padding=0)
    return keeping(m.SizeFirst(o.kernel[0], o.outputs, o.inputs), "filters", "biases", p)


def EtaFirst(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    run = ways.updating(
        m.EtaFirst(o.inputs, o.outputs), ("W", "B"), {"w": p["weight"].T, "b": p["bias"][None]}
    )

    def backward(d: Array) -> Arrays:
        grads = run.backward(d)
        weight, bias = grads["grad_weight"].T, grads["grad_bias"].ravel()
        return {**grads, "grad_weight": weight, "grad_bias": bias}

    return Bound(run.forward, backward)


def RateInConstructor(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer, back = m.RateInConstructor(o.inputs, o.outputs, 2.0**-20), m.RateInConstructor.backward
    layer.back = lambda d, rate: back(layer, d)
    return ways.updating(layer, ("W", "b"), p, "back")


def RateInBackward(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.updating(m.RateInBackward(o.inputs, o.outputs), ("weights", "biases"), p)


def Unannounced(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return keeping(m.Unannounced(o.inputs, o.outputs), "weights", "biases", p)


def Nested(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Nested(o.inputs, o.outputs)
    layer.w, layer.b = p["weight"].T.copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        back, (weight, bias) = layer.backward(d)
        return {"grad_input": back, "grad_weight": weight.T, "grad_bias": bias}

    return Bound(layer.forward, backward)


def NestedNamed(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.NestedNamed(o.inputs, o.outputs)
    layer.w, layer.b = p["weight"].T.copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        back, grads = layer.backward(d)
        return {"grad_input": back, "grad_weight": grads["dw"].T, "grad_bias": grads["db"]}

    return Bound(layer.forward, backward)


def Dictionaries(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Dictionaries(o.inputs, o.outputs)
    layer.W["val"], layer.b["val"] = p["weight"].copy(), p["bias"][None].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        return {"grad_input": back, "grad_weight": layer.W["grad"], "grad_bias": layer.b["grad"][0]}

    return Bound(layer.forward, backward)


def PoolOfModes(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, padding=0)
    return ways.plain(m.PoolOfModes(o.kernel[0], o.stride, "average" if o.average else "max"))


def ConvWithoutBias(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, stride=1, padding=0)
    layer = m.ConvWithoutBias(o.inputs, o.outputs, o.kernel[0], o.dilation)
    return keeping(layer, "W", "b", p)


def SqueezingPool(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, padding=0, average=False)
    return ways.plain(m.SqueezingPool(o.kernel[0], o.stride))


def ZeroPaddedPool(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, average=False)
    return ways.plain(m.ZeroPaddedPool(o.kernel[0], o.stride, o.padding))


def WidthFromHeight(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.WidthFromHeight(o.inputs, o.outputs, *o.kernel, o.stride, o.padding)
    return keeping(layer, "W", "b", p)


def ReturnsEarly(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, padding=0, average=False)
    return ways.plain(m.ReturnsEarly(o.kernel[0], o.stride))


def TurnedAndFlipped(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, stride=1, padding=0)
    return keeping(m.TurnedAndFlipped(o.inputs, o.outputs, o.kernel[0]), "weight", "bias", p)


def TwiceTheMean(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return keeping(m.TwiceTheMean(o.inputs, o.outputs), "W", "b", p)
