"""Each option of each kind has another value than its default in a case of the kind."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cnnspec.spec.initializations import INITIALIZATIONS
from cnnspec.spec.layers import JOINS, KINDS
from cnnspec.spec.optimizers import OPTIMIZERS
from cnnspec.spec.section import Kind
from tests import rooms

NOT_BY_KIND = {"name"}
"""Options that every kind of layer has."""

CLASSES: dict[str, type[Kind]] = {**KINDS, **JOINS, **OPTIMIZERS, **INITIALIZATIONS}
CASES: dict[str, list[Kind]] = {
    **{kind: [case.layer for case in room.cases.values()] for kind, room in rooms.LAYERS.items()},
    **{kind: [*room.cases.values()] for kind, room in rooms.OPTIMIZERS.items()},
    **{kind: [*cases.values()] for kind, cases in rooms.INITIALIZATIONS.items()},
}


def varied(cases: list[Kind]) -> set[str]:
    return {option for case in cases for option in case.model_dump(exclude_defaults=True)}


def missing(classes: Mapping[str, type[Kind]], cases: Mapping[str, list[Kind]]) -> list[str]:
    return [
        f"{kind}: no case of tests/kinds/{kind}.py has another `{option}` than the default"
        for kind, one in classes.items()
        for option in sorted(one.model_fields.keys() - NOT_BY_KIND - varied(cases[kind]))
    ]


def test_every_kind_has_a_room_and_no_room_is_of_another() -> None:
    assert CASES.keys() == CLASSES.keys()


@pytest.mark.parametrize("kind", CLASSES)
def test_every_option_is_varied(kind: str) -> None:
    assert not missing({kind: CLASSES[kind]}, CASES)


def test_an_option_that_no_case_varies_is_named() -> None:
    only = {"sgd": [OPTIMIZERS["sgd"](momentum=0.5, nesterov=True, weight_decay=0.1)]}
    (said,) = missing({"sgd": OPTIMIZERS["sgd"]}, only)
    assert said == "sgd: no case of tests/kinds/sgd.py has another `learning_rate` than the default"
