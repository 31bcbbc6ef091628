"""Steps that computations have in common are taken once, and only those."""

from typing import Any

import pytest

from cnnspec.numerics.formula import Computation, Taken


def test_a_step_is_taken_again_only_where_one_that_leads_to_it_is_another() -> None:
    counted: list[str] = []

    def count(name: str, value: Any) -> Any:
        counted.append(name)
        return value

    right = {
        "double": lambda at: count("double", 2 * at.x),
        "square": lambda at: count("square", at.double**2),
        "sum": lambda at: count("sum", at.square + at.double if at.both else at.square),
        "other": lambda at: count("other", -at.x),
    }
    three = {"double": lambda at: count("three", 3 * at.x)}
    shifted = {"sum": lambda at: count("shifted", at.square + 1)}
    given = {"x": 5, "both": False}
    taken: Taken = {}
    for steps, wanted, anew in (
        ({}, 100, ["double", "square", "sum"]),
        ({}, 100, []),
        (shifted, 101, ["shifted"]),
        (three, 225, ["three", "square", "sum"]),
        (three | shifted, 226, ["shifted"]),
        ({}, 100, []),
    ):
        counted.clear()
        assert Computation(given, right, steps, taken=taken).sum == wanted
        assert counted == anew
    counted.clear()
    assert Computation(given | {"x": 1}, right).sum == 4
    assert counted == ["double", "square", "sum"], "from other numbers, and by itself"
    with pytest.raises(AttributeError, match="nothing"):
        _ = Computation(given, right).nothing


def test_what_leads_to_a_step_that_was_found_leads_on() -> None:
    right = {"a": lambda at: at.x, "b": lambda at: at.a, "c": lambda at: at.b}
    taken: Taken = {}
    assert Computation({"x": 1}, right, taken=taken).b == 1
    assert Computation({"x": 1}, right, taken=taken).c == 1  # by `b` as it was found
    assert Computation({"x": 1}, right, {"a": lambda at: 7}, taken=taken).c == 7
