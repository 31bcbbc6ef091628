"""What a user writes to say that something need not be compared: `pool1`, `loss.grad_logits`."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping

from cnnspec.address import LOSS, OPTIMIZER, PASS, STEP, TRAINING, Address, Layer
from cnnspec.compare.verdict.quantities import expected, is_of
from cnnspec.errors import ComparisonError
from cnnspec.plan import Plan

Allowed = tuple[Address, str | None]
"""A part of a network, and one of its quantities; None: all of them."""

WORDS: Mapping[str, Address] = {
    "loss": LOSS,
    "optimizer": OPTIMIZER,
    "training step": STEP,
    "whole pass": PASS,
    "training": TRAINING,
}
"""What people call the parts that are no layers."""


def read_allowed(plan: Plan, names: Collection[str]) -> frozenset[Allowed]:
    """Return what a user allows not to be compared.

    A layer, or a part such as `whole pass`, stands for all of it; behind a point there may be one
    of its quantities. Where a layer is called as a part is, `layer loss` and `the loss` tell
    them apart.

    Raises:
        ComparisonError: there is no such name, or it may mean two things.
    """
    known = _known(plan)
    return frozenset(_read(plan, name, known) for name in names)


def _known(plan: Plan) -> dict[str, list[Allowed]]:
    """Return every place by the names that it has."""
    known: dict[str, list[Allowed]] = {}
    for address in (*(Layer(at.name) for at in plan.layers), *WORDS.values()):
        for name in called(address):
            known.setdefault(name, []).append((address, None))
    for item in expected(plan, ()):
        for name in called(item.address):
            known.setdefault(f"{name}.{item.quantity}", []).append((item.address, item.quantity))
    return known


def called(address: Address) -> tuple[str, str]:
    """Return the names that a user may write: a short one, and one that means nothing else."""
    if isinstance(address, Layer):
        return address.path, f"layer {address.path}"
    word = next(word for word, other in WORDS.items() if other == address)
    return word, f"the {word}"


def _read(plan: Plan, name: str, known: Mapping[str, list[Allowed]]) -> Allowed:
    places = known.get(name, [])
    if len(places) > 1:
        raise ComparisonError(f"--allow {means_two(name)}")
    if places:
        return places[0]
    part, _, quantity = name.removeprefix("the ").partition(".")
    if WORDS.get(part) == OPTIMIZER and any(is_of(quantity, of) for of in plan.parameters):
        return OPTIMIZER, quantity
    raise ComparisonError(_unknown(name, known))


def means_two(name: str) -> str:
    """Say that a name may be a layer's or a part's, and how to tell them apart."""
    return (
        f"`{name}` means two things: the layer `{name}`, and the {name} of the training; write "
        f"`layer {name}` or `the {name}`"
    )


def _unknown(name: str, known: Collection[str]) -> str:
    """Say what may be allowed instead of what was written."""
    plain = [other for other in known if not other.startswith(("layer ", "the "))]
    near = difflib.get_close_matches(name, plain, n=1)
    part = name.partition(".")[0]
    of_part = [other for other in plain if other.startswith(f"{part}.")]
    listed = of_part or [other for other in plain if "." not in other]
    hint = f"did you mean `{near[0]}`? " if near else ""
    first = next(other for other in plain if "." in other)
    return (
        f"--allow names nothing that is compared: `{name}`; {hint}There "
        f"{f'are of `{part}`' if of_part else 'are'}: {', '.join(listed)}"
        f"{'' if of_part else f', and quantities of them such as `{first}`'}"
    )


def is_allowed(address: Address, quantity: str | None, allowed: Iterable[Allowed]) -> bool:
    """Tell whether a user takes the absence of a quantity; None: of all of a part."""
    return not {(address, None), (address, quantity)}.isdisjoint(allowed)
