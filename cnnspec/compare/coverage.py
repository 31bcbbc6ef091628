"""Coverage: everything that a comparison should hold together, and whether it did."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from cnnspec.compare.isolation import Isolation
from cnnspec.compare.replay_learning import LOSS, OF_LOSS, OPTIMIZER
from cnnspec.compare.replay_pass import PASS
from cnnspec.compare.replay_step import PREDICTED, STEP
from cnnspec.compare.side import quantities_of
from cnnspec.compare.verdict import Coverage, NotCompared, Quantity
from cnnspec.errors import ComparisonError
from cnnspec.plan import Plan
from cnnspec.trace import State


@dataclass(frozen=True)
class Expected:
    """One quantity that both backends must have been held together in."""

    layer: str
    quantity: str
    group: str
    """What a person counts it among: `outputs`, `parameter gradients`."""


def expected(plan: Plan, slots: Collection[str]) -> Iterator[Expected]:
    """Yield every quantity of a plan; `slots` are the optimizer's, by their full names."""
    groups = {"output": "outputs", "grad_input": "input gradients"}
    for at in plan.layers:
        for quantity in quantities_of(at):
            others = "buffers" if quantity in at.buffers else "parameter gradients"
            yield Expected(at.name, quantity, groups.get(quantity, others))
    for quantity in OF_LOSS:
        yield Expected(LOSS, quantity, "loss and its gradient")
    for name in plan.parameters:
        yield Expected(OPTIMIZER, name, "updated parameters")
    for name in slots:
        yield Expected(OPTIMIZER, name, "optimizer slots")
    yield Expected(STEP, PREDICTED, "prediction")


def coverage_of(
    isolation: Isolation, found: Collection[Quantity], allowed: Collection[str]
) -> Coverage:
    """Count what was held together, and list what was not, with the reason.

    `allowed` names layers, or layers and quantities (`pool1.grad_input`), whose absence the
    user takes.
    """
    held = {
        (quantity.layer, quantity.quantity)
        for quantity in found
        if quantity.backend == isolation.pair and quantity.precision == "float64"
    }
    slots: State = isolation.first.exact.optimizer_state()
    counts: dict[str, list[int]] = {}
    missing: dict[str, list[str]] = {}
    for item in expected(isolation.plan, slots):
        count = counts.setdefault(item.group, [0, 0])
        count[1] += 1
        if (item.layer, item.quantity) in held:
            count[0] += 1
        else:
            missing.setdefault(item.layer, []).append(item.quantity)
    listed = [*_listed(isolation, missing, allowed), *_own_checks(isolation, missing, allowed)]
    compared = {name: (done, of) for name, (done, of) in counts.items()}
    return Coverage(compared, tuple(listed), tuple(isolation.silent))


def check_allowed(plan: Plan, allowed: Collection[str], others: Collection[str] = ()) -> None:
    """Refuse names of what need not be compared that are no layer and no quantity of one.

    Raises:
        ComparisonError: there is no such name.
    """
    known = {PASS: None, **dict.fromkeys(others)}
    for item in expected(plan, ()):
        known |= {item.layer: None, f"{item.layer}.{item.quantity}": None}
    slots = tuple(f"{OPTIMIZER}.{name}." for name in plan.parameters)
    for name in allowed:
        if name in known or name.startswith(slots):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        layer = name.partition(".")[0]
        of_layer = [other for other in known if other.startswith(f"{layer}.")]
        listed = of_layer or [other for other in known if "." not in other]
        hint = f"did you mean `{near[0]}`? " if near else ""
        raise ComparisonError(
            f"--allow names nothing that is compared: `{name}`; {hint}There "
            f"{'are of `' + layer + '`' if of_layer else 'are'}: {', '.join(listed)}"
            f"{'' if of_layer else ', and quantities of them such as ' + _first_of(known)}"
        )


def _first_of(known: Collection[str]) -> str:
    return f"`{next(name for name in known if '.' in name)}`"


def _listed(
    isolation: Isolation, missing: Mapping[str, list[str]], allowed: Collection[str]
) -> Iterator[NotCompared]:
    for layer, quantities in missing.items():
        why = _reason(isolation, layer) or "no probe reached it"
        for quantity in quantities:
            names = {layer, f"{layer}.{quantity}"}
            yield NotCompared(layer, quantity, why, bool(names & set(allowed)))


def _own_checks(
    isolation: Isolation, missing: Mapping[str, list[str]], allowed: Collection[str]
) -> Iterator[NotCompared]:
    """Yield what failed although its quantities were held together, on other probes or alone."""
    for part, side in isolation.failures:
        if part not in missing:
            why = f"{side}: {isolation.failures[part, side]}"
            yield NotCompared(part, None, why, part in allowed)


def _reason(isolation: Isolation, part: str) -> str:
    return "; ".join(
        f"{side}: {why}" for (failed, side), why in isolation.failures.items() if failed == part
    )
