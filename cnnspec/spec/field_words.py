"""Words of the field, and what is true of each that stands for nothing here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Word(NamedTuple):
    """A word for something that is not here."""

    answer: str
    """What it is, and what there is to do."""
    keeps_shape: bool = False
    """A layer that gives what it receives in the same shape."""


TOOLS = {"torch", "nn", "optim", "init", "functional", "f", "tf", "keras", "layers", "torchvision"}
"""What stands before the names of other tools, as in `torch.nn.MaxPool2d`."""


def plain(word: str) -> str:
    """Return a word without what differs from tool to tool: `torch.nn.MaxPool2d` is maxpool2d."""
    *before, last = word.lower().removesuffix("()").split(".")
    if not TOOLS.issuperset(before):
        last = ".".join([*before, last])
    return last.replace("_", "").replace("-", "").replace(" ", "")


def answers(text: str, answer: str, *, keeps_shape: bool = False) -> dict[str, Word]:
    """Give words one answer, in which `{what}` is what stands behind their colon.

    A line without a colon goes on in the next one.
    """
    found: dict[str, Word] = {}
    pending: list[str] = []
    for line in [*text.strip().splitlines(), ": "]:
        names, colon, what = line.strip().partition(":")
        pending += names.split()
        if colon:
            for name in pending:
                found[plain(name)] = Word(answer.format(what=what.strip(), name=name), keeps_shape)
            pending = []
    return found


def listed(words: Sequence[str]) -> str:
    """Join words: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
