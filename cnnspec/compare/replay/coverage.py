"""Coverage: everything that a comparison should hold together, and whether it did."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from cnnspec.address import Address
from cnnspec.backends.answers import slots_of
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.compare.verdict import Comparison, Coverage, NotCompared
from cnnspec.compare.verdict.allowed import Allowed, is_allowed
from cnnspec.compare.verdict.quantities import expected


def coverage_of(
    isolation: Isolation, found: Collection[Comparison], allowed: Collection[Allowed]
) -> Coverage:
    """Count what was held together, and list what was not, with the reason.

    `allowed` is that whose absence the user takes.
    """
    held = {
        (quantity.address, quantity.quantity)
        for quantity in found
        if quantity.of_pair and quantity.precision == "float64"
    }
    slots = slots_of(isolation.plan, isolation.training.optimizer)
    counts: dict[str, list[int]] = {}
    missing: dict[Address, list[str]] = {}
    for item in expected(isolation.plan, slots):
        count = counts.setdefault(item.group, [0, 0])
        count[1] += 1
        if (item.address, item.quantity) in held:
            count[0] += 1
        else:
            missing.setdefault(item.address, []).append(item.quantity)
    listed = [*_listed(isolation, missing, allowed), *_own_checks(isolation, missing, allowed)]
    compared = {name: (done, of) for name, (done, of) in counts.items()}
    few = tuple(side.label for side in isolation.sides if side.effort.few)
    return Coverage(compared, tuple(listed), tuple(isolation.silent), few)


def _listed(
    isolation: Isolation, missing: Mapping[Address, list[str]], allowed: Collection[Allowed]
) -> Iterator[NotCompared]:
    for at, quantities in missing.items():
        why = _reason(isolation, at) or "no probe reached it"
        for quantity in quantities:
            yield NotCompared(at, quantity, why, is_allowed(at, quantity, allowed))


def _own_checks(
    isolation: Isolation, missing: Mapping[Address, list[str]], allowed: Collection[Allowed]
) -> Iterator[NotCompared]:
    """Yield what failed although its quantities were held together, on other probes or alone."""
    for at, side in isolation.failures:
        if at not in missing:
            why = f"{side}: {isolation.failures[at, side]}"
            yield NotCompared(at, None, why, is_allowed(at, None, allowed))


def _reason(isolation: Isolation, at: Address) -> str:
    return "; ".join(
        f"{side}: {why}" for (failed, side), why in isolation.failures.items() if failed == at
    )
