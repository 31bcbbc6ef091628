from __future__ import annotations

from typing import Any

import numpy as np

from tests.compare.check.public_styles.bindings import ways
from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options, only


def conv(cls: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, kernel=(o.kernel[0],) * 2, stride=1, padding=0)

    def one() -> Bound:
        return ways.updating(cls(o.inputs, o.outputs, o.kernel[0]), ("kernels", "biases"), p)

    return ways.one_by_one(one)


def Convolutional(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return conv(m.Convolutional, o, p)


def ConvolutionalFlipped(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return conv(m.ConvolutionalFlipped, o, p)


def Dense(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    theirs = {"weight": p["weight"], "bias": p["bias"][:, None]}

    def one() -> Bound:
        run = ways.updating(m.Dense(o.inputs, o.outputs), ("weights", "bias"), theirs)

        def backward(d: Array) -> Arrays:
            return {
                name: np.reshape(g, g.shape if name == "grad_weight" else -1)
                for name, g in run.backward(d[:, None]).items()
            }

        return Bound(lambda x: run.forward(x[:, None])[:, 0], backward)

    return ways.one_by_one(one)


def DenseVector(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    theirs = {"weight": p["weight"].T, "bias": p["bias"]}

    def one() -> Bound:
        run = ways.updating(m.DenseVector(o.inputs, o.outputs), ("weights", "biases"), theirs)

        def backward(d: Array) -> Arrays:
            grads = run.backward(d)
            return {**grads, "grad_weight": grads["grad_weight"].T}

        return Bound(run.forward, backward)

    return ways.one_by_one(one)
