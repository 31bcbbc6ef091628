"""Bytes -> text: UTF-8, or a word on what it is instead."""

from __future__ import annotations

from typing import NoReturn

from cnnspec.errors import SpecError
from cnnspec.spec.diagnostics import Diagnostic, Location

_BINARY = {b"PK\x03\x04": "a zip archive (an .npz file?)", b"\x89PNG": "a PNG picture"}
_UTF_16_OR_32 = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")


def decoded(text: bytes, file: str) -> str:
    """Decode a text; a byte order mark stays in it.

    Raises:
        SpecError: it is not UTF-8.
    """
    for start, what in _BINARY.items():
        if text.startswith(start):
            _refuse(file, "binary", f"the file is {what}, not a text", "name a YAML file")
    if text.startswith(_UTF_16_OR_32):
        _refuse(file, "not-utf8", "the file is UTF-16 or UTF-32 text", "save it as UTF-8")
    if b"\0" in text:
        message = f"the file is binary: byte {text.index(0)} is 0"
        _refuse(file, "binary", message, "name a YAML file, saved as UTF-8")
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte {error.start} is {text[error.start]:#04x}"
        before = text[: error.start].split(b"\n")
        column = len(before[-1].decode("utf-8", "replace")) + 1
        line = text.split(b"\n")[len(before) - 1].decode("utf-8", "replace").rstrip("\r")
        at = Location(file, len(before), column, column + 1, line)
        _refuse(file, "not-utf8", f"the file is not UTF-8 text: {found}", "save it as UTF-8", at)


def _refuse(file: str, code: str, message: str, help: str, at: Location | None = None) -> NoReturn:
    at = at or Location(file, 1, 1, 2, "")
    raise SpecError([Diagnostic(code, message, location=at, help=help)])
