"""Losses as people write them are the same cross-entropy."""

from typing import Any

import numpy as np
import pytest

from cnnspec.backends.loops.cross_entropy import cross_entropy
from cnnspec.backends.plain import HintError, Hints, PlainClassError, PlainLoss


class Numbers:
    """Labels are numbers of classes; the gradient comes from backward()."""

    def forward(self, z: Any, t: Any) -> Any:
        self.loss, self.grad = cross_entropy(z, t)
        return self.loss

    def backward(self) -> Any:
        return self.grad


class OneHot(Numbers):
    def forward(self, z: Any, y: Any) -> Any:
        return super().forward(z + 0 * y, y.argmax(axis=1))


class Anew(Numbers):
    """Is given everything again."""

    def backward(self, z: Any, t: Any) -> Any:  # type: ignore[override]
        return cross_entropy(z, t)[1]


class LabelsFirst(Numbers):
    def backward(self, y_true: Any, y_pred: Any) -> Any:  # type: ignore[override]
        return cross_entropy(y_pred, y_true)[1]


class OwnWords(Numbers):
    def backward(self, first: Any, second: Any) -> Any:  # type: ignore[override]
        return cross_entropy(first, second)[1]


class OwnGradient(Numbers):
    def backward(self, dout: Any) -> Any:  # type: ignore[override]
        return dout * self.grad


class KeptInSelf(Numbers):
    def forward(self, z: Any, t: Any) -> None:
        super().forward(z, t)

    def backward(self) -> None:
        self.dinputs = self.grad


class OtherNames(Numbers):
    forward = backward = None  # type: ignore[assignment]

    def calculate(self, z: Any, t: Any) -> Any:
        return Numbers.forward(self, z, t)

    def gradient(self) -> Any:
        return self.grad.tolist()


class WithArgument(Numbers):
    def __init__(self, classes: int) -> None:
        assert classes == 4


@pytest.mark.parametrize(
    ("loss", "hints"),
    [
        *((cls, Hints()) for cls in (Numbers, OneHot, Anew, LabelsFirst, OwnWords, OwnGradient)),
        *((cls, Hints()) for cls in (KeptInSelf, OtherNames)),
        (cross_entropy, Hints()),
        (WithArgument, Hints(arguments={"classes": 4})),
    ],
)
@pytest.mark.parametrize("n", [4, 2])
def test_losses_in_many_habits(loss: Any, hints: Hints, n: int) -> None:
    logits, labels = np.random.default_rng(0).normal(size=(n, 4)), np.arange(n)
    found, grad = PlainLoss(loss, hints)(logits, labels)
    wanted, wanted_grad = cross_entropy(logits, labels)
    assert found == wanted
    assert np.array_equal(grad, wanted_grad)


class Nothing(Numbers):
    def forward(self, z: Any, t: Any) -> None:
        self.kept = z


class NoGradient(Numbers):
    def backward(self) -> Any:
        return None


@pytest.mark.parametrize(
    ("loss", "names", "error", "message"),
    [
        (WithArgument, {}, HintError, "WithArgument wants `classes`; give it a value, as in --arg"),
        (Numbers, {"weight": "W"}, HintError, "a loss has nothing called weight that could be"),
        (Numbers, {"forward": "nope"}, HintError, "has no method `nope`, as --map forward=nope"),
        (Nothing, {}, PlainClassError, "`forward` of Nothing returns nothing: is a `return`"),
        (NoGradient, {}, PlainClassError, "the gradient of the loss is nothing, wanted an array"),
        (lambda z, t: 1.0, {}, PlainClassError, "must return the loss and its gradient"),
    ],
)
def test_what_a_loss_lacks_is_said(loss: Any, names: Any, error: type, message: str) -> None:
    with pytest.raises(error) as caught:
        PlainLoss(loss, Hints(names))(np.zeros((2, 3)), np.array([0, 1]))
    assert message in str(caught.value)
