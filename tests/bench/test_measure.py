"""Timing by turns: what counts, in what order, and how it is summed up."""

import gc
import time

import pytest

from cnnspec.bench import measure
from cnnspec.bench.measure import Spread, Times, alternate


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "SETTLE", 0.0)
    monkeypatch.setattr(measure, "BLOCK", 0.002)


def test_actions_take_turns_in_blocks() -> None:
    order: list[str] = []
    times = alternate({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 0.0)
    turns = [name for name, before in zip(order, ["", *order]) if name != before]
    assert turns == ["a", "b"] * measure.ROUNDS
    assert [len(found.blocks) for found in times.values()] == [measure.ROUNDS] * 2


def test_the_first_call_of_a_block_is_not_counted() -> None:
    calls = 0

    def slow_at_first() -> None:
        nonlocal calls
        calls += 1
        time.sleep(0.005)

    times = alternate({"slow": slow_at_first}, 0.0)["slow"]
    assert calls == 2 * measure.ROUNDS  # one that warms up, and one that fills the block
    assert len(times.calls) == measure.ROUNDS
    assert min(times.calls) >= 0.005


def test_the_time_is_shared_out() -> None:
    start = time.perf_counter()
    times = alternate({"a": lambda: None, "b": lambda: None}, 0.1)
    assert 0.1 <= time.perf_counter() - start < 0.2
    turns = [len(found.blocks) for found in times.values()]
    assert turns[0] == turns[1] > measure.ROUNDS


def test_the_collector_is_off_meanwhile_and_on_again_after_an_error() -> None:
    states: list[bool] = []

    def fails() -> None:
        states.append(gc.isenabled())
        raise ValueError

    assert gc.isenabled()
    with pytest.raises(ValueError):  # noqa: PT011 - of this test
        alternate({"fails": fails}, 0.0)
    assert (states, gc.isenabled()) == ([False], True)


def test_a_ratio_is_taken_turn_by_turn() -> None:
    # The machine is three times as slow in the second turn, and a call of the third was disturbed.
    own = Times(((1.0, 1.0), (3.0,), (1.0, 1.0, 9.0)))
    other = Times(((2.0,), (6.0, 6.0), (2.0,)))
    assert own.ratio(other) == Spread(0.5, 0.5, 0.5, 0.5, 0.5)
    assert other.ratio(own).median == 2.0


def test_spread() -> None:
    assert Spread.of([4.0, 1.0, 3.0, 2.0, 5.0]) == Spread(3.0, 2.0, 4.0, 1.0, 5.0)
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0, 7.0, 7.0)
    assert Spread.of([1.0, 3.0]).times(2) == Spread(4.0, 3.0, 5.0, 2.0, 6.0)
