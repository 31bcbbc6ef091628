"""Optimizers by hand: what is right, what is wrong and why, what is built in."""

from __future__ import annotations

import pytest

from cnnspec.compare.check import Grade
from cnnspec.spec.optimizers import SGD
from tests.compare.check.conftest import Check

TEXT = """
import numpy as np

class Momentum:
    def __init__(self, lr=0.01, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, {}
    def update(self, params, grads):
        for key in params:
            self.v[key] = self.momentum * self.v.get(key, 0) - self.lr * grads[key]
            params[key] = self.moved(params[key], self.v[key], grads[key])
    def moved(self, w, v, g):
        return w + v

class Nesterov(Momentum):
    def moved(self, w, v, g):
        return w + self.momentum * v - self.lr * g

class Picky(Momentum):
    def __init__(self, lr, momentum):
        super().__init__(lr, momentum)
        assert momentum > 0, "a momentum is wanted"

class Unfinished:
    def __init__(self, lr):
        self.lr = lr
    def step(self, params, grads):
        raise NotImplementedError

class Endless(Momentum):
    def moved(self, w, v, g):
        while True: pass

class WrongSign(Momentum):
    def moved(self, w, v, g):
        return w - v

class Dampened(Momentum):
    def update(self, params, grads):
        share = 1 - self.momentum
        super().update(params, {key: share * grad for key, grad in grads.items()})

class Shared(Momentum):
    kept = {}
    def __init__(self, lr, momentum):
        super().__init__(lr, momentum)
        self.v = self.kept

class InPlace:
    def __init__(self, lr):
        self.lr = lr
    def update(self, params, grads):
        for key in params:
            grads[key] *= self.lr
            params[key] -= grads[key]

class FirstAlone:
    def __init__(self, lr):
        self.lr = lr
    def update(self, params, grads):
        for key in params:
            params[key] = params[key] - self.lr * grads[key]
            return

class Adam:
    first = 1
    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.t, self.m, self.v = self.first - 1, {}, {}
    def update(self, params, grads):
        self.t += 1
        for key, g in grads.items():
            m = self.m[key] = self.beta1 * self.m.get(key, 0) + (1 - self.beta1) * g
            v = self.v[key] = self.beta2 * self.v.get(key, 0) + (1 - self.beta2) * g**2
            params[key] = params[key] - self.lr * self.direction(m, v)
    def direction(self, m, v):
        m, v = m / (1 - self.beta1**self.t), v / (1 - self.beta2**self.t)
        return m / (np.sqrt(v) + self.eps)

class Uncorrected(Adam):
    def direction(self, m, v):
        return m / (np.sqrt(v) + self.eps)

class FromZero(Adam):
    first = 0

class CountsParameters(Adam):
    def direction(self, m, v):
        found = super().direction(m, v)
        self.t += 1
        return found
    def update(self, params, grads):
        super().update(params, grads)
        self.t -= 1

class Inside(Adam):
    def direction(self, m, v):
        m, v = m / (1 - self.beta1**self.t), v / (1 - self.beta2**self.t)
        return m / np.sqrt(v + self.eps)

class OwnEps(Adam):
    def __init__(self, lr=0.001, decay=0.0):
        super().__init__(lr, eps=1e-7)
"""


@pytest.mark.parametrize(
    ("name", "kind", "right", "left_out", "note"),
    [
        ("Momentum", "sgd", 6, {"nesterov", "weight_decay"}, "it is called with dictionaries"),
        ("Nesterov", "sgd", 6, {"nesterov", "weight_decay"}, "taken for: nesterov: true"),
        ("Adam", "adam", 9, {"weight_decay"}, "it is called with dictionaries"),
    ],
)
def test_what_is_right(
    check: Check, name: str, kind: str, right: int, left_out: set[str], note: str
) -> None:
    checked = check(TEXT, name, kind)
    assert checked.grade == Grade.RIGHT
    assert checked.passed == right
    assert len(checked.findings) == {"sgd": 15, "adam": 12}[kind]
    assert {item.option for item in checked.not_supported} == left_out
    assert note in checked.notes


def test_what_is_built_in_and_what_nobody_knows(check: Check) -> None:
    checked = check(TEXT, "OwnEps", "adam")
    assert checked.grade == Grade.AS_FAR_AS_TRIED
    assert "taken for: eps: 1e-07" in checked.notes
    assert [item.option for item in checked.not_tried] == ["decay"]


@pytest.mark.parametrize(
    ("name", "kind", "quantity", "code"),
    [
        ("WrongSign", "sgd", "update", "ascent"),
        ("Dampened", "sgd", "update", "dampening"),
        ("Shared", "sgd", "two objects", "shared-state"),
        ("InPlace", "sgd", "own gradients", "changes-input"),
        ("FirstAlone", "sgd", "update", "parameters-left-out"),
        ("Uncorrected", "adam", "update", "no-bias-correction"),
        ("FromZero", "adam", "update", "step-count"),
        ("CountsParameters", "adam", "update", "step-count"),
        ("Inside", "adam", "update", "eps-inside-root"),
    ],
)
def test_what_is_wrong_has_its_cause(
    check: Check, name: str, kind: str, quantity: str, code: str
) -> None:
    checked = check(TEXT, name, kind)
    assert checked.grade == Grade.WRONG
    found = [finding for finding in checked.findings if finding.wrong]
    causes = {f.cause.code if f.cause else "" for f in found if f.quantity == quantity}
    assert causes == {code}
    assert len({finding.quantity for finding in found}) == (2 if name == "Shared" else 1)


def test_options_that_a_user_gave_are_tried_alone(check: Check) -> None:
    given = SGD(learning_rate=0.3, momentum=0.6, nesterov=True)
    checked = check(TEXT, "Nesterov", "sgd", like=given)
    assert (checked.grade, len(checked.findings)) == (Grade.RIGHT, 3)
    assert not checked.not_supported
    checked = check(TEXT, "Momentum", "sgd", like=given)
    causes = {found.cause.code for found in checked.findings if found.cause}
    assert causes == {"plain-for-nesterov"}


def test_what_cannot_be_called_is_not_graded(check: Check) -> None:
    checked = check("class Empty:\n    pass\n", "Empty", "sgd")
    assert checked.grade is None
    assert "has no method that updates weights" in checked.error


def test_options_that_a_constructor_refuses_are_not_offered(check: Check) -> None:
    checked = check(TEXT, "Picky", "sgd")
    assert (checked.grade, checked.passed) == (Grade.RIGHT, 3)
    why = {item.setting: item.why for item in checked.not_supported}
    assert why["plain"] == "its constructor raises AssertionError: a momentum is wanted"


def test_what_raises_in_every_way_is_not_graded(check: Check) -> None:
    checked = check(TEXT.replace("raise NotImplementedError", "{params: 0}"), "Unfinished", "sgd")
    assert checked.grade is None
    assert "with lists, TypeError" in checked.error


@pytest.mark.parametrize("slip", ["raise NotImplementedError", "velocity[0]"])
def test_what_is_unfinished_is_wrong(check: Check, slip: str) -> None:
    text = TEXT.replace("raise NotImplementedError", slip)
    checked = check(text, "Unfinished", "sgd", like=SGD(learning_rate=0.1))
    assert checked.grade == Grade.WRONG
    (found,) = [finding for finding in checked.findings if finding.message]
    assert "(line " in found.message


def test_a_note_says_that_each_array_has_an_object_of_its_own(check: Check) -> None:
    text = """
import numpy as np
class One:
    v = 0.0
    def __init__(self, lr, momentum):
        self.lr, self.momentum = lr, momentum
    def update(self, w, dw):
        self.v = self.momentum * self.v + dw
        return w - self.lr * self.v
"""
    checked = check(text, "One", "sgd", like=SGD(learning_rate=0.1, momentum=0.5))
    assert checked.grade == Grade.RIGHT
    (note,) = checked.notes
    assert note == "it is called with one array at a time, each with an object of its own"


def test_an_update_that_does_not_end_is_wrong(check: Check) -> None:
    like = SGD(learning_rate=0.1, momentum=0.5)
    checked = check(TEXT, "Endless", "sgd", like=like, time_limit=0.3)
    assert checked.grade == Grade.WRONG
    (found,) = [finding for finding in checked.findings if finding.wrong and finding.reached]
    assert (found.stage, "while True" in found.message) == ("update", True)


def test_what_is_required_is_wrong_without(check: Check) -> None:
    checked = check(TEXT, "InPlace", "sgd", require=["momentum"])
    assert "`momentum` is required: no parameter is its `momentum`" in {
        finding.message for finding in checked.findings
    }
