"""Joins: what they take, what they give, and that no spec writes them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cnnspec import ModelSpec
from cnnspec.spec.layers import JOINS, KINDS, Join
from cnnspec.spec.sizes import PartialShape

# kind, inputs, output
FIT: list[tuple[str, list[PartialShape], PartialShape]] = [
    ("add", [(2, 3, 4), (2, 3, 4)], (2, 3, 4)),
    ("add", [(7,), (7,), (7,)], (7,)),
    ("add", [(2, 3, 4)], (2, 3, 4)),
    ("add", [(2, None, 4), (None, 3, 4)], (2, 3, 4)),
    ("add", [(2, None, None), (2, None, None)], (2, None, None)),
    ("concat", [(2, 3, 4), (5, 3, 4)], (7, 3, 4)),
    ("concat", [(2, 3, 4), (2, 3, 4), (1, 3, 4)], (5, 3, 4)),
    ("concat", [(7,), (2,)], (9,)),
    ("concat", [(2, 3, 4)], (2, 3, 4)),
    ("concat", [(2, None, 4), (None, 3, 4)], (None, 3, 4)),
]

DO_NOT_FIT: list[tuple[str, list[PartialShape], str]] = [
    (
        "add",
        [(16, 32, 32), (32, 16, 16)],
        "`add` cannot join 16 x 32 x 32 and 32 x 16 x 16: a sum takes equal shapes",
    ),
    (
        "add",
        [(2, None, 4), (3, None, 4)],
        "`add` cannot join 2 x ? x 4 and 3 x ? x 4: a sum takes equal shapes",
    ),
    ("add", [(7,), (8,)], "`add` cannot join 7 and 8: a sum takes equal shapes"),
    (
        "concat",
        [(8, 16, 16), (24, 14, 14), (8, 16, 16)],
        "`concat` cannot join 8 x 16 x 16 and 24 x 14 x 14 and 8 x 16 x 16: "
        "channels are joined where height and width agree",
    ),
    (
        "concat",
        [(8, 16, 16), (24,)],
        "`concat` cannot join 8 x 16 x 16 and 24: images and features do not join",
    ),
    (
        "add",
        [(8, 1, 1), (8,)],
        "`add` cannot join 8 x 1 x 1 and 8: images and features do not join",
    ),
]


@pytest.mark.parametrize(("kind", "inputs", "output"), FIT)
def test_inputs_that_fit(kind: str, inputs: list[PartialShape], output: PartialShape) -> None:
    join = JOINS[kind]()
    assert [*join.join_problems(inputs)] == []
    assert join.join_outline(inputs) == output
    assert (join.parameters((1,)), join.buffers((1,)), join.macs((1,), (1,))) == ({}, {}, 0)


@pytest.mark.parametrize(("kind", "inputs", "message"), DO_NOT_FIT)
def test_inputs_that_do_not_fit(kind: str, inputs: list[PartialShape], message: str) -> None:
    (problem,) = JOINS[kind]().join_problems(inputs)
    assert (problem.code, problem.message) == ("branches-differ", message)


@pytest.mark.parametrize("kind", JOINS)
def test_of_an_unknown_input_little_is_known(kind: str) -> None:
    join = JOINS[kind]()
    assert join.join_outline([None, None]) is None
    beside = join.join_outline([None, (2, 3, 4)])
    assert beside == ((None, 3, 4) if kind == "concat" else (2, 3, 4))


@pytest.mark.parametrize("kind", JOINS)
def test_a_join_of_one_input_is_a_layer_like_any_other(kind: str) -> None:
    assert JOINS[kind]().output_shape((2, 3, 4)) == (2, 3, 4)


def test_a_spec_does_not_write_a_join() -> None:
    assert not set(JOINS) & set(KINDS)
    assert {word: join.keyword for word, join in JOINS.items()} == {word: word for word in JOINS}
    assert set(JOINS.values()) == set(Join.__subclasses__())
    for kind in JOINS:
        with pytest.raises(ValidationError):
            ModelSpec.model_validate({"input": [1, 2, 2], "layers": [kind, "flatten"]})
