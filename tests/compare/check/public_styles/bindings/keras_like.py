from __future__ import annotations

from typing import Any

import numpy as np

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options, only


def called(layer: Any) -> Bound:
    return Bound(
        lambda x: layer(x, training=True),
        lambda d: {"grad_input": layer.backward(d)},
        lambda x: layer(x, training=False),
    )


def Dense(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Dense(o.outputs)
    layer(np.ones((1, o.inputs)))
    layer.kernel, layer.bias = p["weight"].T.copy(), p["bias"].copy()

    def backward(d: Array) -> Arrays:
        back = layer.backward(d)
        weight, bias = layer.kernel_grad.T, layer.bias_grad
        return {"grad_input": back, "grad_weight": weight, "grad_bias": bias}

    return Bound(layer, backward)


def Conv2D(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, padding=0)
    layer = m.Conv2D(o.outputs, o.kernel, strides=o.stride)
    layer(np.ones((1, 9, 9, o.inputs)))
    layer.kernel, layer.bias = ways.kernel_hwio(p["weight"]), p["bias"].copy()
    run = ways.channels_last(called(layer))

    def backward(d: Array) -> Arrays:
        grads = run.backward(d)
        weight = ways.kernel_oihw(layer.kernel_grad)
        return {**grads, "grad_weight": weight, "grad_bias": layer.bias_grad}

    return Bound(run.forward, backward)


def MaxPooling2D(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, padding=0, average=False)
    return ways.channels_last(called(m.MaxPooling2D(o.kernel, o.stride)))


def AveragePooling2D(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, padding=0, average=True, kernel=(o.kernel[0],) * 2)
    return ways.channels_last(called(m.AveragePooling2D(o.kernel[0], o.stride)))


def GlobalAveragePooling2D(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, average=True)
    return ways.channels_last(called(m.GlobalAveragePooling2D()))


def Flatten(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return ways.flattened_last(m.Flatten())


def Dropout(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return called(m.Dropout(o.p))


def LeakyReLU(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return called(m.LeakyReLU(o.slope))
