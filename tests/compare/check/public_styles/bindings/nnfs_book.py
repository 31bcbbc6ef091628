from __future__ import annotations

from typing import Any

from tests.compare.check.public_styles.truth import Array, Arrays, Bound, Loss, Options


def kept(layer: Any, *more: Any) -> Bound:
    """Call a layer that keeps what it gives: `output`, `dinputs`."""

    def forward(x: Array) -> Any:
        layer.forward(x, *more)
        return layer.output

    def backward(d: Array) -> Arrays:
        layer.backward(d)
        return {"grad_input": layer.dinputs}

    return Bound(forward, backward)


def dense(layer: Any, p: dict[str, Array], *more: Any) -> Bound:
    layer.weights, layer.biases = p["weight"].T.copy(), p["bias"][None].copy()
    run = kept(layer, *more)

    def backward(d: Array) -> Arrays:
        grads = run.backward(d)
        return {**grads, "grad_weight": layer.dweights.T, "grad_bias": layer.dbiases.ravel()}

    return Bound(run.forward, backward)


def Layer_Dense(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return dense(m.Layer_Dense(o.inputs, o.outputs), p)


def Layer_Dense_Regularized(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return dense(m.Layer_Dense_Regularized(o.inputs, o.outputs), p, True)


def Activation_ReLU(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return kept(m.Activation_ReLU())


def Activation_ReLU_Fast(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return kept(m.Activation_ReLU_Fast())


def Activation_Softmax(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return kept(m.Activation_Softmax())


def Activation_Softmax_Diagonal(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return kept(m.Activation_Softmax_Diagonal())


def dropout(layer: Any) -> Bound:
    run = kept(layer, True)
    return Bound(run.forward, run.backward, kept(layer, False).forward)


def Layer_Dropout(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return dropout(m.Layer_Dropout(o.p))


def Layer_Dropout_Always(m: Any, o: Options, p: dict[str, Array]) -> Bound:
    return dropout(m.Layer_Dropout_Always(o.p))


def Activation_Softmax_Loss_CategoricalCrossentropy(m: Any, o: Options, p: Any) -> Loss:
    def run(logits: Array, labels: Array) -> tuple[Any, Array]:
        layer = m.Activation_Softmax_Loss_CategoricalCrossentropy()
        loss = layer.forward(logits, labels)
        layer.backward(layer.output, labels)
        return loss, layer.dinputs

    return run
