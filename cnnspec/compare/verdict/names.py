"""Names that a user writes for parts and their quantities: `pool1`, `loss.grad_logits`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from cnnspec.address import LOSS, OPTIMIZER, PASS, STEP, TRAINING, Address, Layer
from cnnspec.errors import ComparisonError

Place = tuple[Address, str | None]
"""A part of a network, and one of its quantities; None: all of them."""

WORDS: Mapping[Address, str] = {
    LOSS: "loss",
    OPTIMIZER: "optimizer",
    STEP: "training step",
    PASS: "whole pass",
    TRAINING: "training",
}
"""What people call the parts that are no layers."""

MOST = 12
"""Names that an answer lists; of more, the nearest."""


def called(address: Address) -> tuple[str, str]:
    """Return the names that a user may write: a short one, and one that means nothing else."""
    if isinstance(address, Layer):
        return address.path, f"layer {address.path}"
    return WORDS[address], f"the {WORDS[address]}"


class Names:
    """The names of places: of a part by itself, or of one of its quantities behind a point.

    Where a layer is called as a part is, `layer loss` and `the loss` tell them apart.
    """

    def __init__(self, option: str, places: Iterable[Place]) -> None:
        """`option` is where a user writes them; each place stands for its part, too."""
        self._option = option
        self._parts: dict[Address, list[str]] = {}
        for address, quantity in dict.fromkeys(places):
            quantities = self._parts.setdefault(address, [])
            if quantity is not None:
                quantities.append(quantity)
        self._places: dict[str, list[Place]] = {}
        for address, quantities in self._parts.items():
            for name in called(address):
                self._places.setdefault(name, []).append((address, None))
                for quantity in quantities:
                    self._places.setdefault(f"{name}.{quantity}", []).append((address, quantity))

    def place(self, name: str) -> Place:
        """Return the place of a name.

        Raises:
            ComparisonError: there is no such name, or it may mean two things; the message lists
                names.
        """
        places = self._places.get(name, [])
        if len(places) > 1:
            raise ComparisonError(
                f"{self._option} `{name}` means two things: the layer `{name}`, and the {name} of "
                f"the training; write `layer {name}` or `the {name}`"
            )
        if not places:
            raise ComparisonError(self._unknown(name))
        return places[0]

    def _unknown(self, name: str) -> str:
        """Say what may be written instead of a name that there is not."""
        asked = name.removeprefix("the ").removeprefix("layer ")
        parts = [called(address)[0] for address in self._parts]
        if inside := [part for part in parts if part.startswith(f"{asked}.")]:
            one_of = f"name one of its layers: {_listed(asked, inside, 'layers')}"
            return f"{self._option} `{name}` is a block, and no layer; {one_of}"
        having = (called(address)[0] for address, quantities in self._parts.items() if quantities)
        part = next((part for part in having if asked.startswith(f"{part}.")), None)
        if part is not None:
            alike = [other for other in self._places if other.startswith(f"{part}.")]
            listed = f"are of `{part}`: {_listed(asked, alike, 'quantities')}"
        else:
            # `output` alone is no slip: it may be the output of any layer.
            alike = [n for n in self._places if not n.startswith(("the ", "layer "))]
            alike = alike if "." in asked else parts
            listed = f"are: {self._all_parts(asked)}"
        near = difflib.get_close_matches(asked, alike, n=1)
        hint = f"did you mean `{near[0]}`? There" if near else "there"
        return f"{self._option} names nothing that is compared: `{name}`; {hint} {listed}"

    def _all_parts(self, asked: str) -> str:
        layers = [at.path for at in self._parts if isinstance(at, Layer)]
        others = [called(at)[0] for at in self._parts if not isinstance(at, Layer)]
        first, quantities = next((at, own) for at, own in self._parts.items() if own)
        return (
            f"{', '.join([_listed(asked, layers, 'layers'), *others])}, and quantities of each, "
            f"such as {called(first)[0]}.{quantities[0]}"
        )


def _listed(asked: str, names: Sequence[str], what: str) -> str:
    """Write names in a row; of many, the nearest to what was asked for."""
    if len(names) <= MOST:
        return ", ".join(names)
    near = {*difflib.get_close_matches(asked, names, n=MOST, cutoff=0)}
    shown = [name for name in names if name in near]
    return f"{', '.join(shown)}, {len(names) - len(shown)} more {what}"
