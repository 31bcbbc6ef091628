from __future__ import annotations

from typing import Any

import numpy as np

from tests.compare.check.public_styles.truth import Array, Loss, Options, only


def SoftmaxCrossEntropy(m: Any, o: Options, p: dict[str, Array]) -> Loss:
    def run(logits: Array, labels: Array) -> tuple[Any, Array]:
        layer = m.SoftmaxCrossEntropy()
        return layer.forward(logits, np.eye(logits.shape[1])[labels]), layer.backward()

    return run


def CrossEntropyBatchMax(m: Any, o: Options, p: dict[str, Array]) -> Loss:
    def run(logits: Array, labels: Array) -> tuple[Any, Array]:
        layer = m.CrossEntropyBatchMax()
        return layer.loss(logits, labels), layer.gradient()

    return run


def CrossEntropyMeanTwice(m: Any, o: Options, p: dict[str, Array]) -> Loss:
    def run(logits: Array, labels: Array) -> tuple[Any, Array]:
        layer = m.CrossEntropyMeanTwice()
        return layer.forward(logits, labels), layer.backward()

    return run


def softmax(logits: Array) -> Array:
    e = np.exp(logits - logits.max(1, keepdims=True))
    p: Array = e / e.sum(1, keepdims=True)
    return p


def NLLOfProbabilities(m: Any, o: Options, p: dict[str, Array]) -> Loss:
    """It takes probabilities: the gradient of the logits comes from its own by the softmax's."""
    only(o, extreme=False)

    def run(logits: Array, labels: Array) -> tuple[Any, Array]:
        layer, q = m.NLLOfProbabilities(), softmax(logits)
        loss, d = layer.forward(q, labels), layer.backward()
        return loss, q * (d - (d * q).sum(1, keepdims=True))

    return run


def OfProbabilities(m: Any, o: Options, p: dict[str, Array]) -> Loss:
    """Its gradient is that of the logits, handed past the softmax before it."""
    only(o, extreme=False)

    def run(logits: Array, labels: Array) -> tuple[Any, Array]:
        layer, given = m.OfProbabilities(), softmax(logits)
        return layer.forward(given, labels), np.array(layer.backward(given, labels))

    return run


def cross_entropy(m: Any, o: Options, p: dict[str, Array]) -> Loss:
    run: Loss = m.cross_entropy
    return run
