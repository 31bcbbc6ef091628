import math
import warnings

import numpy as np
import pytest

from cnnspec.address import Layer
from cnnspec.compare.verdict.comparison import Question
from cnnspec.compare.verdict.ledger import Ledger
from cnnspec.compare.verdict.measure import Measured, measure
from cnnspec.numerics.budget import sum_budget

ONE = np.ones(3)


def test_worst_element_is_the_one_with_the_greatest_ratio() -> None:
    budget = np.array([1.0, 0.1, 1.0])
    found = measure(np.array([0.5, 0.2, 0.0]), np.zeros(3), budget)
    assert found == Measured(0.5, 0.2, 0.1, 2.0, (1,), 1, 3, 0.2, 0.0)


def test_equal_values_need_no_budget() -> None:
    special = np.array([1.0, math.inf, math.nan])
    assert measure(special, special.copy(), np.zeros(3)) == Measured(
        *(0.0, 0.0, 0.0, 0.0, (0,), 0, 3, 1.0, 1.0),
    )


def test_any_difference_exceeds_a_budget_of_zero() -> None:
    found = measure(np.array([1.0, 1.0, np.nextafter(1.0, 2)]), ONE, np.zeros(3))
    assert found.ratio == math.inf


def test_values_that_are_not_finite_are_infinitely_far_off() -> None:
    for bad in (math.nan, math.inf, -math.inf):
        assert measure(np.array([1.0, bad, 1.0]), ONE, ONE).ratio == math.inf
        assert measure(ONE, np.array([1.0, bad, 1.0]), ONE).max_abs == math.inf
    assert measure(np.array([math.inf]), np.array([-math.inf]), np.ones(1)).ratio == math.inf


def test_no_warning_where_a_difference_or_a_ratio_overflows() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert measure(np.array([1e308]), np.array([-1e308]), np.ones(1)).max_abs == math.inf
        assert measure(np.array([1e300]), np.zeros(1), np.array([1e-300])).ratio == math.inf


def test_a_budget_that_is_not_a_number_excuses_nothing() -> None:
    assert measure(np.array([1.0]), np.array([2.0]), np.array([math.nan])).ratio == math.inf


def test_another_shape_is_infinitely_far_off() -> None:
    assert measure(ONE, np.ones((3, 1)), ONE).ratio == math.inf


def test_nothing_is_equal_to_nothing() -> None:
    assert measure(np.empty(0), np.empty(0), np.empty(0)) == Measured(
        *(0.0, 0.0, 0.0, 0.0, (), 0, 0, None, None),
    )


def test_an_infinite_budget_explains_all() -> None:
    budget = np.array([math.inf, math.inf, 1.0])
    found = measure(np.array([math.inf, math.nan, 1.5]), ONE, budget)
    assert (found.ratio, found.position, found.beyond) == (0.5, (2,), 0)


def test_where_rounding_explains_anything_nothing_was_compared() -> None:
    ledger = Ledger()
    asked = Question(Layer("l"), "q", "float32", ("a",), "data")
    ledger.add(asked, ONE, ONE, np.full(3, math.inf))
    assert ledger.comparisons() == ()
    ledger.add(asked, ONE, ONE, np.array([1.0, math.inf, 1.0]))
    (quantity,) = ledger.comparisons()
    assert quantity.ok


def test_sums_that_may_overflow_have_no_bound() -> None:
    sizes = np.array([1e30, 3e38, 3.5e38])
    assert sum_budget(5, sizes, sizes, "float32").tolist()[1:] == [
        pytest.approx(5 * 2**-24 * 3e38 + 2**-24 * 3e38, rel=1e-5),
        math.inf,
    ]
    assert np.isfinite(sum_budget(5, sizes, sizes, "float64")).all()
