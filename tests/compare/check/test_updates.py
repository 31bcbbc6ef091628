"""Layers that update themselves: by a rate that they take it is a style, else a fault."""

from cnnspec.compare.check import NotTried
from cnnspec.spec.layers import Linear
from tests.compare.check.conftest import Check
from tests.compare.check.test_check import wrong

TEXT = """
import numpy as np

class Dense:
    def __init__(self, n_in, n_out, lr=0.1):
        self.W, self.b, self.lr = np.zeros((n_in, n_out)), np.zeros(n_out), lr
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def update(self, grad, lr):
        self.W -= lr * self.x.T @ grad
        self.b -= lr * grad.sum(axis=0)
        return grad @ self.W.T

class AtOnce(Dense):
    def backward(self, eta, lr):
        dx = eta @ self.W.T
        self.update(eta, lr)
        return dx

class TooSoon(Dense):
    def backward(self, grad):
        return self.update(grad, self.lr)

class Hidden(AtOnce):
    def backward(self, grad):
        return super().backward(grad, 0.1)

class First(Dense):
    def backward(self, grad, learning_rate):
        self.update(grad, learning_rate)

class Momentum(AtOnce):
    momentum = 0.9
    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out)
        self.velocity = np.zeros_like(self.W)
    def update(self, grad, lr):
        self.velocity = self.momentum * self.velocity - lr * self.x.T @ grad
        self.W += self.velocity
        self.b -= lr * grad.sum(axis=0)

class Unreadable(Dense):
    def backward(self, grad):
        return grad @ self.W.T, "done"
"""

ONE_BY_ONE = """
import numpy as np

class Dense:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.zeros((n_in, n_out)), np.zeros(n_out)
    def forward(self, x):
        assert x.ndim == 1
        self.x = x
        return x @ self.W + self.b
    def backward(self, grad, lr):
        self.W -= lr * np.outer(self.x, grad)
        self.b -= lr * grad
        return self.W @ grad
"""

SMALL = Linear(out_features=2)


def test_an_update_by_a_rate_that_is_given_is_a_style(check: Check) -> None:
    checked = check(TEXT, "AtOnce", "linear")
    assert wrong(checked) == {}
    assert checked.grade == "right"
    assert checked.notes == ("updates at once by `lr`",)


def test_an_update_before_the_input_gradient_is_a_fault(check: Check) -> None:
    found = wrong(check(TEXT, "TooSoon", "linear", like=SMALL))
    assert list(found) == ["grad_input"]
    assert found["grad_input"].cause is not None
    assert found["grad_input"].cause.code == "updated-weights-used"


def test_it_is_one_where_images_come_one_by_one(check: Check) -> None:
    found = wrong(check(ONE_BY_ONE, "Dense", "linear", like=SMALL, layout="vector"))
    assert list(found) == ["grad_input"]
    assert found["grad_input"].cause is not None
    assert found["grad_input"].cause.code == "updated-weights-used"


def test_an_update_by_a_rate_of_nobodys_is_a_fault(check: Check) -> None:
    hidden = check(TEXT.replace("self.lr = np", "self.hidden = np"), "Hidden", "linear", like=SMALL)
    assert set(wrong(hidden)) == {"grad_weight", "grad_bias", "own weights"}


def test_what_is_not_given_is_not_tried(check: Check) -> None:
    checked = check(TEXT, "First", "linear", like=SMALL)
    why = "`backward` gives none, as the first layer of a network may"
    assert checked.not_tried == (NotTried("grad_input", why),)
    assert checked.grade == "right as far as tried"
    (left_out,) = (finding for finding in checked.findings if not finding.offered)
    assert left_out.quantity == "grad_input"


def test_a_rule_of_its_own_is_not_tried(check: Check) -> None:
    checked = check(TEXT, "Momentum", "linear", like=SMALL)
    assert wrong(checked) == {}
    assert [item.option for item in checked.not_tried] == ["grad_weight", "grad_bias"]


def test_what_cannot_be_read_is_not_graded(check: Check) -> None:
    checked = check(TEXT, "Unreadable", "linear", like=SMALL)
    assert checked.grade is None
    assert "`backward` of Unreadable returns a tuple of an array of shape" in checked.error
