"""What the process with somebody's code tells: numbered, and each with a digest by a secret key.

Somebody's code may write where the results go, or run on in a copy of the process. What does not
fit is told as that, and nothing that is written by accident is taken for a result. Code that
reads the key out of our own objects can forge: this is no proof against malice.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import socket
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnnspec.trace import Array

HEAD = struct.Struct("!16sqcI")
"""Digest, number, what it holds, length."""

LINE, DATA, STRAY, NOT_OURS = b"l", b"d", b"s", b""
"""A line of JSON; a part of the arrays that a line announces; a word of a copy of the process; and
what somebody else wrote."""

PART = 2**16
"""Bytes of arrays in one frame."""

MOST = 2**29
"""Bytes of the arrays of a stage."""

MOST_IN_ALL = 2**31
"""Bytes of all that a process tells."""

SILENCED = 117
"""The exit code of a process that cannot tell anything any more."""

LONGEST = 4_000
"""Characters of what a line says in words."""

STRAYED = "it forks, and the copy runs on in the code that tries it: end a copy with os._exit"
TAMPERED = "something else than its results was written to where they go"
TOO_MUCH = f"it gives back more than {MOST_IN_ALL // 2**20:,} MiB of numbers"

# Somebody's code may replace what stands in a module; these stay.
_digest, _write, _getpid, _exit = hashlib.blake2b, os.write, os.getpid, os._exit
_string = json.encoder.encode_basestring_ascii


def _encoded(value: Any) -> str:
    """Return a value as JSON; the encoder of the module may be another by now."""
    if isinstance(value, str):
        return _string(value[:LONGEST])
    if isinstance(value, dict):
        return "{" + ",".join([f"{_string(key)}:{_encoded(value[key])}" for key in value]) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join([_encoded(each) for each in value]) + "]"
    return "null" if value is None else repr(value).lower()


def pair() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of a line on which frames stay whole, whoever writes between them."""
    kind = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_STREAM
    return socket.socketpair(socket.AF_UNIX, kind)


class Sender:
    """The end that the process with somebody's code has."""

    def __init__(self, descriptor: int, key: bytes) -> None:
        self._descriptor, self._key = descriptor, key
        self._process, self._number = _getpid(), 0

    def line(self, said: dict[str, Any], arrays: Mapping[str, Array] | None = None) -> None:
        """Tell a line, and arrays with it."""
        if arrays:
            data = b"".join([array.tobytes() for array in arrays.values()])
            heads = [(name, array.dtype.str, array.shape) for name, array in arrays.items()]
            said = {**said, "arrays": heads, "bytes": len(data)}
        if _getpid() != self._process:
            at = {name: said[name] for name in ("key", "stage") if name in said}
            self._send(STRAY, _encoded(at).encode("ascii"))
            _exit(0)
        self._send(LINE, _encoded(said).encode("ascii"))
        for start in range(0, len(data) if arrays else 0, PART):
            self._send(DATA, data[start : start + PART])

    def _send(self, what: bytes, payload: bytes) -> None:
        rest = HEAD.pack(b"", self._number, what, len(payload))[16:] + payload
        frame = _digest(rest, digest_size=16, key=self._key).digest() + rest
        try:
            while frame:
                frame = frame[_write(self._descriptor, frame) :]
        except OSError:  # somebody's code has closed it
            _exit(SILENCED)
        self._number += 1


@dataclass
class Receiver:
    """The other end."""

    line: socket.socket
    key: bytes
    too_much: bool = False
    """Whether more has come than anything right gives."""
    closed: bool = False
    """Whether the other end is closed: then nothing need be waited for."""
    _number: int = 0
    _received: int = 0
    _buffer: bytes = b""
    _announced: dict[str, Any] = field(default_factory=dict)
    _data: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        """See that nothing here waits."""
        self.line.setblocking(False)

    def receive(self, frames: int) -> Iterator[tuple[dict[str, Any], dict[str, Array]]]:
        """Yield the lines that have come with their arrays, of at most so many frames.

        What does not fit is a line of its own, with what is wrong as its `alarm`.
        """
        for _ in range(frames):
            try:
                frame = self._frame()
            except (BlockingIOError, ConnectionError):
                return
            self.closed = not frame
            if self.closed or self.too_much:
                return
            self._received += len(frame)
            self.too_much = self._received > MOST_IN_ALL
            yield from self._taken(frame)

    def _taken(self, frame: bytes) -> Iterator[tuple[dict[str, Any], dict[str, Array]]]:
        number, what, payload = self._opened(frame)
        if what == STRAY:
            yield json.loads(payload) | {"alarm": STRAYED}, {}
            return
        if what == NOT_OURS or number != self._number:
            yield {"alarm": TAMPERED}, {}
        if what == NOT_OURS:
            return
        self._number = number + 1
        try:
            if what == LINE:
                self._announced, self._data = _line(payload), bytearray()
            else:
                self._data += payload
            if len(self._data) == self._announced.get("bytes", 0):
                yield self._announced, _arrays(self._announced.get("arrays", []), self._data)
        except (
            ValueError,
            TypeError,
            ArithmeticError,
            RecursionError,
        ):  # somebody's code may have found our objects
            yield {"alarm": TAMPERED}, {}

    def _opened(self, frame: bytes) -> tuple[int, bytes, bytes]:
        """Return the number of a frame, what it holds and that itself."""
        if len(frame) < HEAD.size:
            return 0, NOT_OURS, b""
        digest, number, what, length = HEAD.unpack_from(frame)
        payload = frame[HEAD.size :]
        right = hashlib.blake2b(frame[16:], digest_size=16, key=self.key).digest()
        if (digest, len(payload)) != (right, length):
            return 0, NOT_OURS, b""
        return number, what, payload

    def _frame(self) -> bytes:
        """Return the next frame; nothing where no other comes.

        Raises:
            BlockingIOError: none has come yet.
        """
        if self.line.type == socket.SOCK_STREAM:
            return self._from_stream()
        return self.line.recv(HEAD.size + 2 * PART)

    def _from_stream(self) -> bytes:
        wanted = HEAD.size
        while True:
            if len(self._buffer) >= HEAD.size:
                wanted = HEAD.size + HEAD.unpack_from(self._buffer)[-1]
                if len(self._buffer) >= wanted:
                    frame, self._buffer = self._buffer[:wanted], self._buffer[wanted:]
                    return frame
            more = self.line.recv(PART)
            if not more:
                frame, self._buffer = self._buffer, b""
                return frame
            self._buffer += more


def _line(payload: bytes) -> dict[str, Any]:
    """Return a line.

    Raises:
        ValueError: it is none.
    """
    said = json.loads(payload)
    words = ("key", "stage", "event", "error")
    if not isinstance(said, dict) or not all(isinstance(said.get(each, ""), str) for each in words):
        raise ValueError("a line has words")
    return {"key": "", **said}


def _arrays(heads: Sequence[tuple[str, str, Sequence[int]]], data: bytearray) -> dict[str, Array]:
    """Return the arrays that a line announces."""
    found, start = {}, 0
    for name, kind, shape in heads:
        dtype = np.dtype(kind)
        count = math.prod(shape)
        flat = np.frombuffer(data, dtype, count, start) if count else np.zeros(0, dtype)
        found[name] = flat.reshape(shape)
        start += count * dtype.itemsize
    return found
