"""The budgets hold for every order of a sum, and are not so wide that they hold for anything."""

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from cnnspec.compare.budget import cross_entropy_budgets, gamma, sum_budget, unit_roundoff


def test_unit_roundoff() -> None:
    assert unit_roundoff("float32") == 2**-24
    assert unit_roundoff("float64") == 2**-53


def test_gamma() -> None:
    assert gamma(0, "float32") == 0
    assert gamma(1, "float32") == pytest.approx(2**-24, rel=1e-6)
    assert gamma(2**24, "float32") == math.inf


def exact_dot(a: np.ndarray, b: np.ndarray) -> float:
    return float(sum(Fraction(float(x)) * Fraction(float(y)) for x, y in zip(a, b)))


def orders(a: np.ndarray, b: np.ndarray) -> Iterator[np.float32]:
    """Yield the float32 dot product, summed in several orders."""
    products = a * b
    yield np.dot(a, b)
    yield np.sum(products)
    for terms in (
        products,
        products[::-1],
        np.sort(products),
        products[np.argsort(-abs(products))],
    ):
        total = np.float32(0)
        for term in terms:
            total += term
        yield total


@pytest.mark.parametrize("k", [1, 2, 9, 144, 1568])
def test_dot_products_stay_within_the_budget_in_any_order(k: int) -> None:
    random = np.random.default_rng(k)
    for _ in range(20):
        a, b = random.normal(size=(2, k)).astype(np.float32)
        exact = exact_dot(a, b)
        budget = sum_budget(k, np.abs(a).astype(float) @ np.abs(b), np.float64(exact), "float32")
        for found in orders(a, b):
            assert abs(float(found) - exact) <= budget


def test_budget_is_within_reach() -> None:
    """The worst order of a sum of 1 and many half units loses all of them: 1/4 of the budget."""
    k = 1000
    values = np.full(k, 2.0**-25, np.float32)
    values[0] = 1
    total = np.float32(0)
    for value in values:
        total += value
    exact = 1 + (k - 1) * 2.0**-25
    budget = float(sum_budget(k, np.float64(exact), np.float64(exact), "float32"))
    assert 0.4 * budget < abs(float(total) - exact) <= budget


def test_exact_quantities_have_no_budget() -> None:
    assert not sum_budget(0, np.ones(3), np.ones(3), "float32").any()


@pytest.mark.parametrize("scale", [0.1, 3.0, 100.0, 1e4])
@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_cross_entropy_budget_holds_and_is_narrow(scale: float, classes: int) -> None:
    random = np.random.default_rng(classes)
    logits = random.normal(0, scale, (7, classes)).astype(np.float32)
    labels = random.integers(0, classes, 7)

    def cross_entropy(z: np.ndarray) -> tuple[float, np.ndarray]:
        shifted = z - z.max(axis=1, keepdims=True)
        log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        grad = np.exp(log_softmax)
        grad[np.arange(7), labels] -= 1
        return float(-log_softmax[np.arange(7), labels].mean()), grad / 7

    loss, grad = cross_entropy(logits)
    exact_loss, exact_grad = cross_entropy(logits.astype(np.float64))
    loss_budget, grad_budget = cross_entropy_budgets(logits.astype(float), labels, "float32")
    assert abs(loss - exact_loss) <= loss_budget
    assert np.all(np.abs(grad - exact_grad) <= grad_budget)
    # Far below any fault: a mean over one image more would move the loss by an eighth.
    assert loss_budget < 1e-3 * max(exact_loss, 1)
    assert grad_budget.max() < 1e-2 / 7
