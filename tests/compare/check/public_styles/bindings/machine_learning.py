from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Options, only


def passes(layer: Any) -> Bound:
    return Bound(
        lambda x: layer.forward_pass(x, training=True),
        lambda d: {"grad_input": layer.backward_pass(d)},
        lambda x: layer.forward_pass(x, training=False),
    )


def Dense(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    layer = m.Dense(o.outputs)
    layer.set_input_shape((o.inputs,))
    layer.initialize()
    layer.W, layer.w0 = p["weight"].T.copy(), p["bias"][None].copy()
    run = passes(layer)

    def backward(d: Array) -> Arrays:
        grads = run.backward(d)
        return {**grads, "grad_weight": layer.grad_w.T, "grad_bias": layer.grad_w0.ravel()}

    return Bound(run.forward, backward)


def BatchNormalization(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, axes=2)
    layer = m.BatchNormalization(o.features, o.momentum, o.eps)
    layer.gamma, layer.beta = p["weight"][None].copy(), p["bias"][None].copy()
    run = passes(layer)

    def backward(d: Array) -> Arrays:
        grads = run.backward(d)
        return {**grads, "grad_weight": layer.grad_gamma[0], "grad_bias": layer.grad_beta[0]}

    return Bound(run.forward, backward, run.evaluate)


def Dropout(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return passes(m.Dropout(o.p))


def Flatten(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return passes(m.Flatten())


def AveragePooling2D(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    only(o, padding=0, average=True)
    return passes(m.AveragePooling2D(o.kernel, o.stride))


def Sigmoid(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return passes(m.Sigmoid())


def TanH(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return passes(m.TanH())
