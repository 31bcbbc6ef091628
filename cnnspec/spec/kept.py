"""spec.yaml of a run folder: what was given to `cnnspec train`, below a line that says so.

The line is a comment: the file is a spec like any other, and can be trained again.
"""

from __future__ import annotations

from codecs import BOM_UTF8

NOTE = (
    b"# As it was given to `cnnspec train`. This run goes by resolved.yaml: "
    b"a change here has no effect on it."
)


def with_note(text: bytes) -> bytes:
    """Put the note before a text, in line ends of its own; after a byte order mark.

    What has it already, as it comes from another run folder, is left as it is.
    """
    if _noted(text):
        return text
    mark, text = _mark(text)
    first, newline, _ = text.partition(b"\n")
    return mark + NOTE + (b"\r\n" if newline and first.endswith(b"\r") else b"\n") + text


def without_note(text: bytes) -> bytes:
    """Return a text as it was given."""
    if not _noted(text):
        return text
    mark, text = _mark(text)
    return mark + text.partition(b"\n")[2]


def _noted(text: bytes) -> bool:
    return _mark(text)[1].startswith((NOTE + b"\n", NOTE + b"\r\n"))


def _mark(text: bytes) -> tuple[bytes, bytes]:
    """Return the byte order mark, if there is one, and what follows it."""
    return (BOM_UTF8, text[len(BOM_UTF8) :]) if text.startswith(BOM_UTF8) else (b"", text)
