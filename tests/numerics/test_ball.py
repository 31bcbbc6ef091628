"""A ball holds the exact result and every computed one, and is not much wider than it must be."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cnnspec.numerics import Arithmetic, Ball, decided, either, maximum, unit_roundoff, where

PRECISIONS = ("float32", "float64")
DIGITS = 120
SHAPE = (2, 3)


def exactly(array: Any) -> Any:
    """Return the numbers of an array as decimals, exactly."""
    return np.vectorize(lambda x: Decimal(float(x)), otypes=[object])(array)


def each(function: Callable[..., Any]) -> Callable[..., Any]:
    return np.vectorize(function, otypes=[object])


@dataclass
class Node:
    """A number in each arithmetic: its ball, what a computation gives, and what is right."""

    ball: Ball
    computed: np.ndarray
    exact: np.ndarray

    def holds(self) -> None:
        """See that the ball has both in it, where it says anything."""
        for place in np.ndindex(self.ball.shape):
            radius = self.ball.radius[place]
            assert radius >= 0
            if math.isinf(radius):
                continue
            right = self.exact[place]
            for found in (self.ball.value[place], self.computed[place]):
                off = abs(Decimal(float(found)) - right)
                assert off <= Decimal(float(radius)), f"{found} for {right}, {off} beyond {radius}"


def normal_cdf(x: Decimal) -> Decimal:
    """Return Phi of a number that is not large, by the series of the error function."""
    pi = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628621")
    z = x / Decimal(2).sqrt()
    total, power, n = Decimal(0), z, 0
    while n < 400:
        total += power / (2 * n + 1)
        n += 1
        power *= -z * z / n
    return Decimal("0.5") + total / pi.sqrt()


def library(name: str, exact: Callable[[Decimal], Decimal], low: float, high: float) -> Any:
    """Return a function of one node, whose argument is clipped to where it is tried."""

    def apply(a: Node) -> Node:
        a = Node(
            a.ball.clip(low, high),
            np.clip(a.computed, low, high).astype(a.computed.dtype),
            each(lambda x: min(max(x, Decimal(low)), Decimal(high)))(a.exact),
        )
        phi = np.vectorize(lambda x: (1 + math.erf(x / math.sqrt(2))) / 2)
        of_numpy = {
            "normal_cdf": lambda x: phi(x).astype(x.dtype),
            "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        }
        function = of_numpy.get(name) or getattr(np, name)
        return Node(getattr(a.ball, name)(), function(a.computed), each(exact)(a.exact))

    return apply


def tanh(x: Decimal) -> Decimal:
    return 1 - 2 / ((2 * x).exp() + 1)


def sigmoid(x: Decimal) -> Decimal:
    return 1 / (1 + (-x).exp())


TENTH = Decimal(float(1 / 10))  # as float64 has it


def sign(x: Decimal) -> Decimal:
    return Decimal((x > 0) - (x < 0))


ONE: dict[str, Callable[[Node], Node]] = {
    "neg": lambda a: Node(-a.ball, -a.computed, -a.exact),
    "abs": lambda a: Node(a.ball.abs(), np.abs(a.computed), np.abs(a.exact)),
    "sqrt": library("sqrt", lambda x: x.sqrt(), 0.0, 1e30),
    "exp": library("exp", lambda x: x.exp(), -40.0, 20.0),
    "log": library("log", lambda x: x.ln(), 1e-20, 1e30),
    "tanh": library("tanh", tanh, -30.0, 30.0),
    "sigmoid": library("sigmoid", sigmoid, -30.0, 30.0),
    "normal_cdf": library("normal_cdf", normal_cdf, -7.0, 7.0),
    "sign": lambda a: Node(a.ball.sign(), np.sign(a.computed), each(sign)(a.exact)),
    "sum": lambda a: Node(
        a.ball.sum(1), a.computed.sum(1, keepdims=True), a.exact.sum(1, keepdims=True)
    ),
    "sums": lambda a: Node(
        a.ball.sum((0, 1)), a.computed.sum(keepdims=True), a.exact.sum(keepdims=True)
    ),
    "mean": lambda a: Node(
        a.ball.mean(0),
        a.computed.mean(0, keepdims=True),
        a.exact.sum(0, keepdims=True) / a.exact.shape[0],
    ),
    "max": lambda a: Node(
        a.ball.max(0), a.computed.max(0, keepdims=True), a.exact.max(0, keepdims=True)
    ),
    "times a constant": lambda a: Node(
        a.ball * 0.1, a.computed * a.computed.dtype.type(0.1), a.exact * TENTH
    ),
    "1 minus": lambda a: Node(1 - a.ball, 1 - a.computed, 1 - a.exact),
    "square": lambda a: Node(a.ball * a.ball, a.computed**2, a.exact**2),
    "turned": lambda a: Node(a.ball.moved(np.fliplr), np.fliplr(a.computed), np.fliplr(a.exact)),
    "contracted": lambda a: Node(
        (a.ball @ a.ball.moved(np.transpose)).sum(1),
        (a.computed @ a.computed.T).sum(1, keepdims=True),
        (a.exact @ a.exact.T).sum(1, keepdims=True),
    ),
}
TWO: dict[str, Callable[[Node, Node], Node]] = {
    "add": lambda a, b: Node(a.ball + b.ball, a.computed + b.computed, a.exact + b.exact),
    "sub": lambda a, b: Node(a.ball - b.ball, a.computed - b.computed, a.exact - b.exact),
    "mul": lambda a, b: Node(a.ball * b.ball, a.computed * b.computed, a.exact * b.exact),
    "div": lambda a, b: Node(
        a.ball / b.ball,
        a.computed / b.computed,
        each(lambda x, y: x / y if y else Decimal(0))(a.exact, b.exact),
    ),
    "maximum": lambda a, b: Node(
        maximum(a.ball, b.ball), np.maximum(a.computed, b.computed), np.maximum(a.exact, b.exact)
    ),
    "where": lambda a, b: Node(
        where(MASK, a.ball, b.ball),
        np.where(MASK, a.computed, b.computed),
        np.where(MASK, a.exact, b.exact),
    ),
    "decided": lambda a, b: Node(
        decided(a.ball, a.ball, b.ball),
        np.where(a.computed > 0, a.computed, b.computed),
        np.where(a.exact > 0, a.exact, b.exact),
    ),
    "either": lambda a, b: Node(
        either([lambda x, y: (x - y) + y, lambda x, y: x + y - y], a.ball, b.ball),
        a.computed + b.computed - b.computed,
        a.exact + b.exact - b.exact,
    ),
}
MASK = np.array([[True, False, True]])

numbers = st.floats(-1e6, 1e6, width=32, allow_subnormal=False) | st.sampled_from([0.0, 1.0, -1.0])
shares = st.floats(-0.999, 0.999)


@st.composite
def leaves(draw: Any, precision: str) -> Node:
    """Draw numbers that are off by a radius, and what lies that far off."""
    at, count = Arithmetic(precision), math.prod(SHAPE)
    values = np.array(draw(st.lists(numbers, min_size=count, max_size=count))).reshape(SHAPE)
    values = values.astype(precision)
    off = draw(st.sampled_from([0.0, 1e-6, 1e-3, 0.1]))
    radius = off * np.abs(values.astype(np.float64))
    to_exact, to_computed = (draw(shares) for _ in range(2))
    exact = exactly(values) + exactly(radius) * Decimal(to_exact)
    near = each(float)(exact + exactly(radius) * Decimal(to_computed)).astype(precision)
    far = np.abs(exactly(near) - exact) > exactly(radius)  # by its own rounding
    return Node(at.ball(values, radius), np.where(far, values, near).astype(precision), exact)


@settings(deadline=None, max_examples=200, phases=[Phase.explicit, Phase.generate])
@given(data=st.data(), precision=st.sampled_from(PRECISIONS))
def test_a_ball_holds_what_is_exact_and_what_is_computed(data: Any, precision: str) -> None:
    with localcontext() as context, np.errstate(all="ignore"):
        context.prec = DIGITS
        known = [data.draw(leaves(precision)) for _ in range(2)]
        for _ in range(data.draw(st.integers(1, 6))):
            if data.draw(st.booleans()):
                function = ONE[data.draw(st.sampled_from(sorted(ONE)))]
                found = function(data.draw(st.sampled_from(known)))
            else:
                both = TWO[data.draw(st.sampled_from(sorted(TWO)))]
                found = both(*(data.draw(st.sampled_from(known)) for _ in range(2)))
            found.holds()
            known.append(found)


@pytest.mark.parametrize("name", [*ONE, *TWO])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_each_operation_on_many_numbers(name: str, precision: str) -> None:
    random = np.random.default_rng(len(name))
    with localcontext() as context, np.errstate(all="ignore"):
        context.prec = DIGITS
        for size in (1e-3, 1.0, 30.0):
            nodes = []
            for _ in range(2):
                values = (size * random.normal(size=(40, 3))).astype(precision)
                nodes.append(Node(Arithmetic(precision).ball(values), values, exactly(values)))
            found = TWO[name](*nodes) if name in TWO else ONE[name](nodes[0])
            found.holds()
            assert np.all(np.isfinite(found.ball.radius))
            # One operation on exact numbers, or a sum of up to 120 of them.
            sizes = [ONE["abs"](node) for node in nodes]
            size = (TWO[name](*sizes) if name in TWO else ONE[name](sizes[0])).ball.value
            most = np.nanmax(np.abs([size.max(), found.ball.value.max(), found.ball.value.min()]))
            assert found.ball.radius.max() <= 125 * unit_roundoff(precision) * most + 1e-30


def test_one_operation_rounds_once() -> None:
    at, u = Arithmetic("float32"), 2.0**-24
    a, b = at.ball(np.array([3.0, -0.7])), at.ball(np.array([0.1, 5.0]))
    for found in (a + b, a - b, a * b, a / b, a.abs().sqrt()):
        assert np.all(found.radius <= 1.0001 * u * np.abs(found.value) + 1e-37)
        assert np.all(found.radius >= u * np.abs(found.value))
    twice = Arithmetic("float32", charge=2)
    assert np.allclose((twice.ball(a.value) * b.value).radius, 2 * (a * b).radius)


def test_what_selects_rounds_nothing() -> None:
    at = Arithmetic("float32")
    x, y = at.ball(np.array([1.0, -2.0, 0.0])), at.ball(np.array([0.5, 3.0, 0.0]))
    mask = np.array([True, False, True])
    for found in (
        *(-x, x.abs(), x.sign(), x.clip(-1, 1), x.max(0), x.reshape(3, 1)),
        *(maximum(x, y), where(mask, x, y), decided(x, y, x), either([Ball.abs], x)),
    ):
        assert not found.radius.any()
    assert decided(x, y, -y).value.tolist() == [0.5, -3.0, 0.0]


def test_where_rounding_may_decide_either_is_held() -> None:
    at = Arithmetic("float32")
    x = at.ball(np.array([1e-3, -1e-3, 1.0, -1.0]), 1e-3)
    found = decided(x, at.ball(np.full(4, 5.0)), at.ball(np.zeros(4)))
    assert found.value.tolist() == [5, 0, 5, 0]
    assert np.all(found.radius[:2] >= 5)
    assert not found.radius[2:].any()
    assert x.sign().radius.tolist() == [2, 2, 0, 0]


def test_a_maximum_is_off_by_what_its_greatest_is_off_by() -> None:
    at = Arithmetic("float32")
    near, far = at.ball(np.array([1.0, 0.0]), 1e-6), at.ball(np.array([0.0, 0.1]), 1e-2)
    assert maximum(near, far).radius.tolist() == [1e-6, 1e-2]
    assert maximum(near, at.ball(np.ones(2), 0.5)).radius.tolist() == [0.5, 0.5]


def test_constants_are_numbers_of_the_precision() -> None:
    at = Arithmetic("float32")
    assert at.rounded(0.5).radius == 0
    assert at.rounded(np.array([0.5, 0.1, 0.0, 1e-42])).radius[[0, 2]].tolist() == [0, 0]
    assert at.rounded(1e-42).radius >= 1e-42, "it may be nothing there"
    assert 0 < at.rounded(0.1).radius <= 2.0**-24 * 0.1
    assert Arithmetic("float64").rounded(0.1).radius == 0
    power = at.power(0.9, 100)
    assert power.value == 0.9**100
    product = np.float32(1)
    for _ in range(100):
        product *= np.float32(0.9)
    assert abs(float(product) - 0.9**100) <= power.radius


def test_where_numbers_are_too_large_nothing_is_said_or_all_come_to_the_same() -> None:
    large = np.array([3e38, 1.0])
    x = Arithmetic("float32").ball(large)
    assert np.isinf((x * x).radius).tolist() == [True, False]
    assert np.isinf((x + x).radius).tolist() == [True, False]
    partial = Arithmetic("float32").ball(np.array([3e38, 3e38, -3e38, -3e38]))
    assert np.isinf(partial.sum(0).radius).all(), "a partial sum may be too large"
    in_float64 = Arithmetic("float64").ball(large)
    assert np.isfinite((in_float64 * in_float64).radius).all()
    alike = Arithmetic("float64", overflow="alike")
    found = 1 / alike.ball(np.array([1e4, 1.0])).exp()
    assert found.value[0] == 0
    assert found.radius[0] < 1e-300


def test_nothing_is_said_of_a_quotient_by_what_may_be_0() -> None:
    at = Arithmetic("float32")
    one, near = at.ball(np.ones(2)), at.ball(np.array([1e-3, 1.0]), 1e-3)
    assert np.isinf((one / near).radius).tolist() == [True, False]
    assert np.isinf(near.log().radius).tolist() == [True, False]


def test_a_root_of_0_moves_by_the_root() -> None:
    at = Arithmetic("float32")
    found = at.ball(np.array([0.0, 1.0]), 1e-8).sqrt()
    assert 1e-4 <= found.radius[0] <= 1.0001e-4
    assert found.radius[1] < 1.1e-7


def test_of_several_forms_the_one_that_rounds_most_counts_and_errors_are_carried_once() -> None:
    at, u = Arithmetic("float32"), 2.0**-24
    b, old, new = at.ball(np.array([0.9])), at.ball(np.array([1000.0])), at.ball(np.array([1.0]))
    forms = [
        lambda b, old, new: b * old + (1 - b) * new,
        lambda b, old, new: new - b * (new - old),
    ]
    exact = either(forms, b, old, new)
    assert exact.radius == max(form(b, old, new).radius for form in forms)
    off = at.ball(np.array([1.0]), 1e-3)
    found = either(forms, b, old, off)
    assert 1e-4 < found.radius - exact.radius < 1.01e-4, "not 1.9 times as much"
    assert found.radius > forms[0](b, old, off).radius + 100 * u


def test_what_is_known_of_a_number_narrows_it() -> None:
    x = Arithmetic("float32").ball(np.array([0.1]), 100.0)
    assert x.within(3.0).radius == 6
    assert x.within(1e9).radius == 100


def test_sums_hold_in_any_order() -> None:
    random = np.random.default_rng(0)
    terms = random.normal(size=500).astype(np.float32)
    exact = sum(map(Decimal, map(float, terms)))
    radius = Decimal(float(Arithmetic("float32").ball(terms).sum(0).radius[0]))
    for order in (terms, np.sort(terms), terms[np.argsort(-np.abs(terms))]):
        found = float(np.add.accumulate(order)[-1])
        assert abs(Decimal(found) - exact) <= radius


def test_a_ball_is_read_and_shown() -> None:
    ball = Arithmetic("float32").ball([1.0, 2.0])
    assert ball.shape == (2,)
    assert "Arithmetic(precision='float32'" in repr(ball)
    assert (np.ones(2) * ball).value.tolist() == [1, 2]
    assert (np.ones(2) / ball).value.tolist() == [1, 0.5]
    assert (2 - ball).value.tolist() == [1, 0]
