import math

import numpy as np

from cnnspec.compare.measure import measure

ONE = np.ones(3)


def test_worst_element_is_the_one_with_the_greatest_ratio() -> None:
    budget = np.array([1.0, 0.1, 1.0])
    found = measure(np.array([0.5, 0.2, 0.0]), np.zeros(3), budget)
    assert found == (0.5, 0.2, 0.1, 2.0, (1,), 1, 3)


def test_equal_values_need_no_budget() -> None:
    special = np.array([1.0, math.inf, math.nan])
    assert measure(special, special.copy(), np.zeros(3)) == (0.0, 0.0, 0.0, 0.0, (0,), 0, 3)


def test_any_difference_exceeds_a_budget_of_zero() -> None:
    found = measure(np.array([1.0, 1.0, np.nextafter(1.0, 2)]), ONE, np.zeros(3))
    assert found.ratio == math.inf


def test_values_that_are_not_finite_are_infinitely_far_off() -> None:
    for bad in (math.nan, math.inf, -math.inf):
        assert measure(np.array([1.0, bad, 1.0]), ONE, ONE).ratio == math.inf
        assert measure(ONE, np.array([1.0, bad, 1.0]), ONE).max_abs == math.inf
    assert measure(np.array([math.inf]), np.array([-math.inf]), np.ones(1)).ratio == math.inf


def test_a_budget_that_is_not_a_number_excuses_nothing() -> None:
    assert measure(np.array([1.0]), np.array([2.0]), np.array([math.nan])).ratio == math.inf


def test_another_shape_is_infinitely_far_off() -> None:
    assert measure(ONE, np.ones((3, 1)), ONE).ratio == math.inf


def test_nothing_is_equal_to_nothing() -> None:
    assert measure(np.empty(0), np.empty(0), np.empty(0)) == (0.0, 0.0, 0.0, 0.0, (), 0, 0)
