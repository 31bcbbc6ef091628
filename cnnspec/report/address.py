"""Addresses in words, and in documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from cnnspec.address import Address, Layer
from cnnspec.compare.verdict import Comparison, NotCompared
from cnnspec.compare.verdict.names import WORDS
from cnnspec.documents import Document


def words(address: Address) -> str:
    """Name a part as people do: `conv1`, `loss`; a layer that is called `loss`: `layer loss`."""
    if isinstance(address, Layer):
        return f"layer {address.path}" if address.path in WORDS.values() else address.path
    return WORDS[address]


def where(address: Address) -> Document:
    """Return an address for tools: which part, and the layer's name where it is one."""
    if isinstance(address, Layer):
        return {"part": "layer", "layer": address.path}
    return {"part": WORDS[address], "layer": None}


def at_address(record: Comparison | NotCompared) -> dict[str, Any]:
    """Return what a record has in its fields, with its address for tools."""
    names = (field.name for field in fields(record) if field.name != "address")
    return where(record.address) | {name: getattr(record, name) for name in names}


def sides_words(sides: Sequence[str]) -> str:
    """Name the two sides that are held together, or the one that is held against itself."""
    return " vs ".join(sides)
