"""More habits of losses: orders, two functions, one loss for each image, and probabilities."""

from typing import Any

import numpy as np
import pytest

from cnnspec.backends.loops.cross_entropy import cross_entropy
from cnnspec.backends.plain import (
    Chain,
    HintError,
    Hints,
    LossFunctions,
    PlainLoss,
    RightSoftmax,
)


def log_softmax(z: Any) -> Any:
    shifted = z - z.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


class LabelsFirst:
    def forward(self, y_true: Any, y_pred: Any) -> Any:
        self.grad = (np.exp(log_softmax(y_pred)) - y_true) / len(y_true)
        return -(y_true * log_softmax(y_pred)).sum() / len(y_true)

    def gradient(self) -> Any:
        return self.grad


class BothAtOnce:
    def __call__(self, z: Any, t: Any) -> Any:
        return cross_entropy(z, t)


class GradientFirst:
    def cal_loss(self, z: Any, t: Any) -> Any:
        return cross_entropy(z, t)[::-1]


class ForEachImage:
    """Neither sums nor means are taken."""

    def forward(self, z: Any, t: Any) -> Any:
        self.z, self.t = z, t
        return -log_softmax(z)[np.arange(len(t)), t]

    def backward(self) -> Any:
        return cross_entropy(self.z, self.t)[1] * len(self.t)


class MeanOfEach(ForEachImage):
    """The mean is taken of the gradients alone."""

    def backward(self) -> Any:
        return cross_entropy(self.z, self.t)[1]


def loss_alone(z: Any, t: Any) -> Any:
    return cross_entropy(z, t)[0]


def gradient_alone(labels: Any, scores: Any) -> Any:
    return cross_entropy(scores, labels)[1]


class OfProbabilities:
    def forward(self, p: Any, y: Any) -> Any:
        self.p, self.y = p, y
        return -(y * np.log(p)).sum() / len(p)

    def backward(self) -> Any:
        return -self.y / self.p / len(self.p)


class PastTheSoftmax(OfProbabilities):
    def backward(self) -> Any:
        return (self.p - self.y) / len(self.p)


def softmax(z: Any) -> Any:
    return np.exp(log_softmax(z))


def with_cache(z: Any, t: Any) -> Any:
    return cross_entropy(z, t)[0], (z, t)


LOSSES = {
    "labels first": LabelsFirst,
    "both at once": BothAtOnce,
    "the gradient first": GradientFirst,
    "for each image": ForEachImage,
    "the mean of gradients alone": MeanOfEach,
    "two functions": LossFunctions(loss_alone, gradient_alone),
    "a cache": LossFunctions(with_cache, lambda cache: cross_entropy(*cache)[1]),
    "through a softmax": Chain(RightSoftmax, OfProbabilities),
    "past a softmax": Chain(RightSoftmax, PastTheSoftmax),
    "past a function": Chain(LossFunctions(softmax), PastTheSoftmax),
}


@pytest.mark.parametrize("what", LOSSES)
def test_losses_in_more_habits(what: str) -> None:
    loss = PlainLoss(LOSSES[what])
    for n in (4, 2, 1):
        logits, labels = np.random.default_rng(0).normal(size=(n, 5)), np.arange(n)
        found, grad = loss(logits, labels)
        wanted, wanted_grad = cross_entropy(logits, labels)
        assert np.allclose(found, wanted, rtol=1e-12)
        assert np.allclose(grad, wanted_grad, atol=1e-12)


def test_what_was_taken_for_granted_is_noted() -> None:
    notes = {}
    for what in ("for each image", "past a softmax", "through a softmax"):
        run = PlainLoss(LOSSES[what]).begin(np.ones((2, 5)), np.array([0, 1]))
        run.construct()
        run.value()
        run.gradient()
        notes[what] = "".join(run.notes)
    assert notes == {
        "for each image": "gives a loss for each image: the mean is taken",
        "past a softmax": "it returns the gradient of the logits, which is handed past the softmax",
        "through a softmax": "",
    }


def test_a_sum_is_no_loss_for_each_image() -> None:
    class Sum(ForEachImage):
        def forward(self, z: Any, t: Any) -> Any:
            return super().forward(z, t).sum()

    logits, labels = np.random.default_rng(0).normal(size=(3, 5)), np.arange(3)
    found, grad = PlainLoss(Sum)(logits, labels)
    wanted, wanted_grad = cross_entropy(logits, labels)
    assert np.isclose(found, 3 * wanted)
    assert np.allclose(grad, 3 * wanted_grad)


def test_a_softmax_without_a_gradient_is_asked_about() -> None:
    loss = PlainLoss(Chain(LossFunctions(softmax), OfProbabilities), Hints())
    with pytest.raises(HintError, match="`softmax` is a function and gives no gradient, and the"):
        loss(np.ones((2, 5)), np.array([0, 1]))
