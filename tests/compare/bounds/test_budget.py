"""The budgets hold for every order of a sum, and are not so wide that they hold for anything."""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from cnnspec import SGD, Adam
from cnnspec.backends import loops
from cnnspec.compare.faults.fault import UpdateSituation
from cnnspec.compare.kinds import OPTIMIZERS
from cnnspec.numerics.budget import gamma, sum_budget, typical_errors, unit_roundoff
from tests.compare.bounds.loss_bounds import loss_bounds


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
    loss_budget, grad_budget = loss_bounds(logits.astype(float), labels, "float32")
    assert abs(loss - exact_loss) <= loss_budget
    assert np.all(np.abs(grad - exact_grad) <= grad_budget)
    # Far below any fault: a mean over one image more would move the loss by an eighth.
    assert loss_budget < 1e-3 * max(exact_loss, 1)
    assert grad_budget.max() < 1e-2 / 7


def test_a_sum_of_zeros_is_exact_even_where_nothing_can_be_said() -> None:
    budget = sum_budget(2**24, np.array([0.0, 1.0]), np.zeros(2), "float32")
    assert np.isfinite(budget[0])
    assert budget[1] == math.inf


W, G = (
    np.random.default_rng(seed).normal(size=50).astype(np.float32).astype(np.float64)
    for seed in (0, 1)
)


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.9, 0.9999), (0.0, 0.5)])
def test_adam_budget_holds_for_other_ways_of_the_same_formula(
    betas: tuple[float, float], decay: float
) -> None:
    """Corrections from running products, decay kept apart, roots taken one by one."""
    options = Adam(betas=betas, weight_decay=decay)
    b1, b2 = betas
    m, v, power1, power2 = np.zeros(50), np.zeros(50), 1.0, 1.0
    for step in range(1, 30):
        slots = {"exp_avg": m, "exp_avg_sq": v}
        given = UpdateSituation(options, 1e-3, step, W, slots, G)
        budgets = OPTIMIZERS["adam"].budgets(given, "float64")
        g = G + decay * W
        power1, power2 = power1 * b1, power2 * b2
        other_m, other_v = m + (1 - b1) * (g - m), b2 * v + (1 - b2) * g**2
        moved = other_m / (1 - power1) / (np.sqrt(other_v / (1 - power2)) + options.eps)
        other = W - 1e-3 * moved
        exact_m = b1 * m + (1 - b1) * G + (1 - b1) * decay * W
        exact_v = other_v
        rate = 1e-3 / -math.expm1(step * math.log(b1)) if b1 else 1e-3
        root = np.sqrt(exact_v) / math.sqrt(-math.expm1(step * math.log(b2)))
        exact = W - rate * exact_m / (root + options.eps)
        assert np.all(np.abs(other - exact) <= 2 * budgets[""])
        assert np.all(np.abs(other_m - exact_m) <= 2 * budgets["exp_avg"])
        assert budgets[""].max() < 1e-12  # a fault of one part in a thousand is 1e-6
        m, v = exact_m, exact_v


def test_sgd_budget_is_narrow() -> None:
    options = SGD(momentum=0.9, nesterov=True, weight_decay=0.1)
    given = UpdateSituation(options, 0.1, 2, W, {"momentum_buffer": G}, G)
    budgets = OPTIMIZERS["sgd"].budgets(given, "float32")
    exact = W - 0.1 * ((G + 0.1 * W) + 0.9 * (0.9 * G + G + 0.1 * W))
    w, g, buffer = (array.astype(np.float32) for array in (W, G, G))
    d = g + np.float32(0.1) * w
    found = w - np.float32(0.1) * (d + np.float32(0.9) * (np.float32(0.9) * buffer + d))
    assert found.dtype == np.float32
    assert np.all(np.abs(found - exact) <= budgets[""])
    assert budgets[""].max() < 1e-5


@pytest.mark.parametrize("k", [1, 9, 144, 1568])
def test_typical_errors_are_typical(k: int) -> None:
    random = np.random.default_rng(k)
    ratios = []
    for _ in range(200):
        a, b = np.abs(random.normal(size=(2, k))).astype(np.float32)
        exact = exact_dot(a, b)
        magnitude = np.abs(a).astype(float) @ np.abs(b)
        typical = typical_errors(k, magnitude, np.float64(exact), "float32")
        one_by_one = np.cumsum(a * b)[-1]
        ratios.append(abs(float(one_by_one) - exact) / typical)
    assert np.mean(ratios) < 0.5
    assert max(ratios) > 0.2, "it is the scale of the errors, not only above them"


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.9, 0.1), (0.9, 0.01), (0.9, 0.0), (0.0, 0.9)])
@pytest.mark.parametrize("weighted", [True, False])
def test_adam_in_either_form_and_with_constants_of_its_precision(
    betas: tuple[float, float], weighted: bool
) -> None:
    """As C code has it: float32 constants, b v + (1 - b) g^2 or v + (1 - b) (g^2 - v)."""
    random, options = np.random.default_rng(0), Adam(betas=betas)
    g, m, v = (random.normal(size=500).astype(np.float32) for _ in range(3))
    v = v**2
    b1, b2 = map(np.float32, betas)

    def mean(old: Any, new: Any, b: Any) -> Any:
        return b * old + (1 - b) * new if weighted else old + (1 - b) * (new - old)

    found = {"exp_avg": mean(m, g, b1), "exp_avg_sq": mean(v, g * g, b2)}
    exact = {
        "exp_avg": betas[0] * m.astype(float) + (1 - betas[0]) * g.astype(float),
        "exp_avg_sq": betas[1] * v.astype(float) + (1 - betas[1]) * g.astype(float) ** 2,
    }
    slots = {"exp_avg": m.astype(float), "exp_avg_sq": v.astype(float)}
    weights = random.normal(size=500)
    given = UpdateSituation(options, 1e-3, 1, weights, slots, g.astype(float))
    bounds = OPTIMIZERS["adam"].budgets(given, "float32")
    for name, array in found.items():
        assert array.dtype == np.float32
        assert np.all(np.abs(array - exact[name]) <= bounds[name]), name


@pytest.mark.parametrize("options", [SGD(momentum=0.9), SGD(momentum=0.9, nesterov=True), Adam()])
def test_what_a_gradient_is_off_by_goes_into_the_update(options: SGD | Adam) -> None:
    random = np.random.default_rng(0)
    weights, gradient = random.normal(size=300), random.normal(size=300)
    gradient[:100] = 0  # as of a bias before a batch norm
    error = np.full(300, 1e-9)

    def update(given: Any) -> dict[str, Any]:
        learnt = {"w": weights.copy()}
        optimizer = loops.OPTIMIZERS[options.keyword](options, learnt)
        optimizer.step(learnt, {"w": given}, 0.1, 1)
        return {"": learnt["w"]} | {
            name.removeprefix("w."): slot for name, slot in optimizer.slots.items()
        }

    slots = {name: np.zeros(300) for name in update(gradient) if name}
    given = UpdateSituation(options, 0.1, 1, weights, slots, gradient)
    bounds = OPTIMIZERS[options.keyword].budgets(given, "float64", error)
    right = update(gradient)
    for sign in random.choice([-1.0, 1.0], (20, 300)):
        # the sum is rounded itself: it is no further off than the error
        for name, array in update(gradient + sign * error * (1 - 1e-6)).items():
            assert np.all(np.abs(array - right[name]) <= bounds[name]), name
    assert all(np.median(bound[100:]) < 1e-7 for bound in bounds.values())


@pytest.mark.parametrize("options", [SGD(momentum=0.9), Adam()])
def test_a_gradient_that_is_no_number_of_the_precision_is_rounded_on_its_way_in(
    options: SGD | Adam,
) -> None:
    """As that of a step of a training which is replayed, from float64."""
    gradient = np.random.default_rng(0).normal(size=50)
    nothing = np.zeros(50)
    slots = dict.fromkeys(options.slots, nothing)
    given = UpdateSituation(options, 0.1, 1, nothing, slots, gradient)
    bounds = OPTIMIZERS[options.keyword].budgets(given, "float32")
    single = {"w": gradient.astype(np.float32)}
    learnt = {"w": np.zeros(50, np.float32)}
    optimizer = loops.OPTIMIZERS[options.keyword](options, learnt)
    exact = loops.OPTIMIZERS[options.keyword](options, {"w": nothing.copy()})
    optimizer.step(learnt, single, 0.1, 1)
    exact.step({"w": nothing.copy()}, {"w": gradient}, 0.1, 1)
    for name, slot in optimizer.slots.items():
        assert slot.dtype == np.float32
        off = np.abs(slot - exact.slots[name])
        assert off.any()
        assert np.all(off <= bounds[name.removeprefix("w.")])
