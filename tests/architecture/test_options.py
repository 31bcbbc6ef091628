"""Each option of each kind has another value than its default in a case of the kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from cnnspec.spec.composites import COMPOSITES, Composite
from cnnspec.spec.initializations import INITIALIZATIONS
from cnnspec.spec.layers import JOINS, KINDS
from cnnspec.spec.losses import LOSSES
from cnnspec.spec.optimizers import OPTIMIZERS
from cnnspec.spec.section import Kind
from tests import branching, rooms

NOT_BY_KIND = {"name"}
"""Options that every kind of layer has, and of block."""

CLASSES: dict[str, type[Kind]] = {
    **{**KINDS, **JOINS, **COMPOSITES},
    **{**LOSSES, **OPTIMIZERS, **INITIALIZATIONS},
}


def blocks_in(entries: Sequence[Any]) -> Iterator[Composite]:
    """Yield blocks, and those that stand in them."""
    for entry in entries:
        if isinstance(entry, Composite):
            yield entry
            yield from blocks_in([*entry.inner()])


BRANCHING = [block for spec in branching.SPECS.values() for block in blocks_in(spec.layers)]
"""The cases of blocks: what they come to is held to all that networks with branches owe."""

CASES: dict[str, list[Kind]] = {
    **{kind: [case.layer for case in room.cases.values()] for kind, room in rooms.LAYERS.items()},
    **{block.keyword: [] for block in BRANCHING},
    **{kind: [*cases.values()] for kind, cases in rooms.LOSSES.items()},
    **{kind: [*room.cases.values()] for kind, room in rooms.OPTIMIZERS.items()},
    **{kind: [*cases.values()] for kind, cases in rooms.INITIALIZATIONS.items()},
}
for _block in BRANCHING:
    CASES[_block.keyword].append(_block)


def varied(cases: list[Kind]) -> set[str]:
    return {option for case in cases for option in case.model_dump(exclude_defaults=True)}


def missing(classes: Mapping[str, type[Kind]], cases: Mapping[str, list[Kind]]) -> list[str]:
    return [
        f"{kind}: no case of {place(kind)} has another `{option}` than the default"
        for kind, one in classes.items()
        for option in sorted(one.model_fields.keys() - NOT_BY_KIND - varied(cases[kind]))
    ]


def place(kind: str) -> str:
    return "tests/branching.py" if kind in COMPOSITES else f"tests/kinds/{kind}.py"


def test_every_kind_has_a_room_and_no_room_is_of_another() -> None:
    assert CASES.keys() == CLASSES.keys()


@pytest.mark.parametrize("kind", CLASSES)
def test_every_option_is_varied(kind: str) -> None:
    assert not missing({kind: CLASSES[kind]}, CASES)


def test_an_option_that_no_case_varies_is_named() -> None:
    only = {"sgd": [OPTIMIZERS["sgd"](momentum=0.5, nesterov=True, weight_decay=0.1)]}
    (said,) = missing({"sgd": OPTIMIZERS["sgd"]}, only)
    assert said == "sgd: no case of tests/kinds/sgd.py has another `learning_rate` than the default"


def test_an_option_of_a_block_that_no_network_varies_is_named() -> None:
    only: dict[str, list[Kind]] = {"parallel": [COMPOSITES["parallel"](paths=[[], []])]}
    (said,) = missing({"parallel": COMPOSITES["parallel"]}, only)
    assert said == "parallel: no case of tests/branching.py has another `merge` than the default"


def test_an_option_of_a_loss_that_no_case_varies_is_named() -> None:
    class Smoothed(LOSSES["cross_entropy"]):  # type: ignore[misc]
        label_smoothing: float = 0.0

    cases = {"cross_entropy": [Smoothed(), *CASES["cross_entropy"]]}
    (said,) = missing({"cross_entropy": Smoothed}, cases)
    assert said == (
        "cross_entropy: no case of tests/kinds/cross_entropy.py has another `label_smoothing` "
        "than the default"
    )
    assert not missing(
        {"cross_entropy": Smoothed}, {"cross_entropy": [Smoothed(label_smoothing=1)]}
    )
