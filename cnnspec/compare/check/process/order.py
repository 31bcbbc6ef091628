"""What a process is told before it has somebody's code: what to try, and with which arrays."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnspec.trace import Array

NUMBER = struct.Struct("!q")
"""The length of an order, and of the JSON in it."""


@dataclass(frozen=True)
class Order:
    """All that the process knows: it reads no file but somebody's."""

    request: Mapping[str, Any]
    given: Mapping[str, Mapping[str, Array]]
    """The arrays that somebody's code is given, by the name of a set and their own."""
    key: bytes
    """With which the results are signed."""
    cwd: str
    environment: Mapping[str, str]
    seconds: float
    """Of the processor that it may take."""
    apart: bool = True
    """Whether it gets a space of its own, where the system gives one."""

    def packed(self) -> bytes:
        """Return the order as bytes."""
        said = {**vars(self), "key": self.key.hex(), "given": list(self.given)}
        text = json.dumps(said).encode()
        arrays = io.BytesIO()
        flat = {
            f"{n}/{name}": a for n, s in enumerate(self.given.values()) for name, a in s.items()
        }
        np.savez(arrays, **flat)  # type: ignore[arg-type]
        return NUMBER.pack(len(text)) + text + arrays.getvalue()


def unpacked(order: bytes) -> Order:
    """Return the order that bytes hold."""
    start = NUMBER.size
    (length,) = NUMBER.unpack_from(order)
    said = json.loads(order[start : start + length])
    given: dict[str, dict[str, Array]] = {name: {} for name in said["given"]}
    with np.load(io.BytesIO(order[start + length :]), allow_pickle=False) as arrays:
        for at, array in arrays.items():
            number, _, name = at.partition("/")
            given[said["given"][int(number)]][name] = array
    return Order(**{**said, "key": bytes.fromhex(said["key"]), "given": given})
