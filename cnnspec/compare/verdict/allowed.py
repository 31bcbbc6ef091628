"""What a user says need not be compared."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from cnnspec.address import OPTIMIZER, Address, Layer
from cnnspec.compare.verdict.names import WORDS, Names, Place, called
from cnnspec.compare.verdict.quantities import expected, is_of
from cnnspec.plan import Plan

Allowed = Place
"""What need not be compared."""


def read_allowed(plan: Plan, names: Collection[str]) -> frozenset[Allowed]:
    """Return what a user allows not to be compared.

    A layer, or a part such as `whole pass`, stands for all of it; behind a point there may be one
    of its quantities.

    Raises:
        ComparisonError: there is no such name, or it may mean two things.
    """
    parts = [*(Layer(at.name) for at in plan.layers), *WORDS]
    quantities = [(item.address, item.quantity) for item in expected(plan, ())]
    known = Names("--allow", [*((part, None) for part in parts), *quantities])
    return frozenset(_slot(plan, name) or known.place(name) for name in names)


def _slot(plan: Plan, name: str) -> Allowed | None:
    """Return the place of a slot of the optimizer: which ones it keeps, the plan does not say."""
    for word in called(OPTIMIZER):
        quantity = name.removeprefix(f"{word}.")
        if quantity != name and any(is_of(quantity, own) for own in plan.parameters):
            return OPTIMIZER, quantity
    return None


def is_allowed(address: Address, quantity: str | None, allowed: Iterable[Allowed]) -> bool:
    """Tell whether a user takes the absence of a quantity; None: of all of a part."""
    return not {(address, None), (address, quantity)}.isdisjoint(allowed)
