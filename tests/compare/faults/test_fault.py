"""When a fault explains what was found: number by number, and NaN is no number."""

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cnnspec.compare.faults.fault import (
    Fault,
    LossSituation,
    Observation,
    Prediction,
    explains,
    first_cause,
    is_chance,
)
from cnnspec.spec.losses import DEFAULT_LOSS

WANTED = np.array([1.0, 2.0, 3.0])
GIVEN = LossSituation(DEFAULT_LOSS, "random", WANTED[None], np.zeros(1, np.int64))
FAR_OUT = replace(GIVEN, logits=1e3 * GIVEN.logits)


def observe(*found: float) -> list[Observation[LossSituation]]:
    return [Observation(GIVEN, "loss", np.array(found), WANTED, np.full(3, 1e-15))]


def gives(*value: float, budget: float = 1e-15) -> Fault[LossSituation]:
    prediction = Prediction(np.array(value), np.full(3, budget))
    return Fault("any", (), "the fault", lambda observation: prediction)


def test_a_fault_that_gives_the_numbers_explains_them() -> None:
    assert explains(gives(2, 4, 6), observe(2, 4, 6))
    assert not explains(gives(2, 4, 6), observe(2, 4, 6.001))


def test_what_is_right_needs_no_fault() -> None:
    assert not explains(gives(1, 2, 3), observe(1, 2, 3))


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_nan_and_infinity_alone_bear_out_no_fault_but_an_overflow(number: float) -> None:
    fault = gives(1, 2, number)
    assert not explains(fault, observe(1, 2, number))
    assert explains(replace(fault, overflows=True), observe(1, 2, number))


def test_a_finite_number_that_is_wrong_bears_out_a_fault_with_nan_beside_it() -> None:
    assert explains(gives(math.nan, 4, 6), observe(math.nan, 4, 6))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ((math.nan, 4, 6), (2, 4, 6)),
        ((2, 4, 6), (math.nan, 4, 6)),
        ((math.inf, 4, 6), (-math.inf, 4, 6)),
    ],
)
def test_nan_and_infinity_are_just_where_the_fault_gives_them(
    value: tuple[float, ...], found: tuple[float, ...]
) -> None:
    for budget in (1e-15, math.inf):
        fault = replace(gives(*value, budget=budget), overflows=True)
        assert not explains(fault, observe(*found))


@pytest.mark.parametrize(("given", "asked"), [(GIVEN, 0), (FAR_OUT, 1)])
def test_a_bound_is_computed_only_where_a_value_is_near_or_numbers_lie_far_out(
    given: LossSituation, asked: int
) -> None:
    counted: list[int] = []

    def budget() -> NDArray[np.float64]:
        counted.append(1)
        return np.full(3, 1e-15)

    def far(observation: Observation[LossSituation]) -> Prediction:
        return Prediction(np.array([2.0, 4.0, 6.1]), budget)

    def near(observation: Observation[LossSituation]) -> Prediction:
        return Prediction(np.array([2.0, 4.0, 6.0]), budget)

    observed = [replace(observe(2, 4, 6)[0], situation=given)]
    assert not explains(Fault("any", (), "the fault", far), observed)
    assert len(counted) == asked
    assert explains(Fault("any", (), "the fault", near), observed)
    assert len(counted) == asked + 1


def test_infinities_tell_a_fault_before_its_bound_is_computed() -> None:
    def budget() -> NDArray[np.float64]:
        raise AssertionError

    fault = Fault[LossSituation](
        "any", (), "the fault", lambda observation: Prediction(np.array([2, 4, np.inf]), budget)
    )
    assert not explains(fault, [replace(observe(2, 4, 6)[0], situation=FAR_OUT)])


def test_where_all_is_right_no_fault_is_tried() -> None:
    def change(observation: Observation[LossSituation]) -> Prediction:
        raise AssertionError

    fault = Fault[LossSituation]("any", (), "the fault", change)
    assert first_cause([fault], observe(1, 2, 3), {}) is None


def test_a_wrong_shape_is_seen() -> None:
    flat = replace(observe(2, 4, 6)[0], found=np.full((1, 3), math.nan))

    def as_found(observation: Observation[LossSituation]) -> Prediction:
        return Prediction(observation.found, np.zeros(observation.found.shape))

    change: Callable[[Observation[LossSituation]], Prediction] = as_found
    assert explains(Fault("shape", (), "the shape is wrong", change), [flat])


def test_in_float32_a_fault_is_named_only_if_no_other_gives_the_same() -> None:
    seen = [replace(at, precision="float32") for at in observe(2, 4, 6.0000001)]
    fault, near, same = gives(2, 4, 6), gives(2, 4, 6.0000002), gives(2, 4, 6)
    assert first_cause([fault], observe(2, 4, 6.1), {}) is None
    assert first_cause([fault], seen, {}) is not None
    assert first_cause([fault, same], seen, {}) is not None
    assert first_cause([fault, near], seen, {}) is None


def test_no_warning_where_a_fault_overflows_as_it_is_made() -> None:
    def made() -> Iterator[Fault[LossSituation]]:
        yield gives(*np.exp(np.array([1e3, 1e3, 1e3])))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert first_cause(made(), observe(2, 4, 6), {}) is None


CONTRARY = {"right": observe(1, 2, 3), "wrong by other numbers": observe(2, 4, 7)}


@pytest.mark.parametrize("what", CONTRARY)
def test_what_fits_one_setting_is_chance_where_another_contradicts_it(what: str) -> None:
    fault, seen = gives(2, 4, 6), observe(2, 4, 6)
    idle = replace(fault, change=lambda at: fault.change(at) if at is seen[0] else None)
    assert is_chance(fault, [CONTRARY[what]])
    assert not is_chance(fault, [CONTRARY[what], observe(2, 4, 6)])
    assert not is_chance(fault, [observe(math.nan, 4, 7)])
    assert not is_chance(idle, [CONTRARY[what]])
    assert not is_chance(replace(fault, says_found=True), [CONTRARY[what]])


def test_the_cause_that_no_other_setting_contradicts_is_named() -> None:
    fault, seen = gives(2, 4, 6), observe(2, 4, 6)
    other = Fault[LossSituation](
        "other", (), "the other", lambda at: fault.change(at) if at is seen[0] else None
    )
    cause = first_cause([fault, other], seen, {}, [observe(1, 2, 3)])
    assert cause is not None
    assert cause.code == "other"
    assert first_cause([fault], seen, {}, [observe(1, 2, 3)]) is None
