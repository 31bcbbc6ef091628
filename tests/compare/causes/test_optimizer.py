"""Faulty updates, written number by number: each is named, and nothing else is."""

from __future__ import annotations

import pytest

from cnnspec.compare.causes import diagnose_optimizer
from tests.compare.causes.update_probes import FaultyUpdate, Update
from tests.rooms import OPTIMIZERS

FAULTS = {
    f"{kind}-{name}": fault
    for kind, room in OPTIMIZERS.items()
    for name, fault in room.faults.items()
}
RIGHT = {
    f"{kind}-{name}": update
    for kind, room in OPTIMIZERS.items()
    for name, update in room.right.items()
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_fault_is_named(fault: FaultyUpdate) -> None:
    update, rule, codes = fault
    assert {quantity: update.code(rule, quantity) for quantity in codes} == codes


@pytest.mark.parametrize("update", RIGHT.values(), ids=RIGHT)
def test_the_right_update_has_no_cause(update: Update) -> None:
    for quantity in ("", *update.options.slots):
        assert update.code(update.right, quantity) is None


@pytest.mark.parametrize("name", list(FAULTS)[::3])
def test_a_fault_with_noise_on_it_is_not_named(name: str) -> None:
    update, rule, codes = FAULTS[name]
    for quantity in codes:
        assert update.code(rule, quantity, noise=1e-6) is None


def test_the_factor_of_a_step_is_said() -> None:
    update, rule, _ = FAULTS["sgd-rate / 32"]
    cause = diagnose_optimizer(update.observe(rule, ""))
    assert cause
    assert cause.sentence == "the step is 0.03125 times the expected one"
