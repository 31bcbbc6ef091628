"""format_spec(): the canonical layout of a spec's text, with every comment kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from cnnspec.errors import SpecError
from cnnspec.spec.comments import Comments, Place
from cnnspec.spec.diagnostics import Diagnostic, Path
from cnnspec.spec.model import kinds_at
from cnnspec.spec.nodes import Collection, Entry, Node, Scalar, is_kinded, text_scalar, write
from cnnspec.spec.source import LINE_BREAK, MAX_BYTES, Source, read_source
from cnnspec.spec.translate import not_a_mapping

_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_NODES = (yaml.ScalarEvent, yaml.CollectionStartEvent, yaml.CollectionEndEvent)


def format_spec(text: str | bytes, *, file: str = "<spec>") -> str:
    """Return the text of a spec in the canonical layout; it means the same.

    The spec need not be valid, but it must be the YAML that a spec may use.

    Raises:
        SpecError: it is not; or, laid out, it would be longer than a spec may be.
    """
    source = read_source(text, file)
    errors = [problem for problem in source.diagnostics if problem.severity == "error"]
    if not errors and not isinstance(source.value, dict):
        errors = [not_a_mapping(source)]
    if errors:
        raise SpecError(errors)
    laid_out = _Reader(source)
    before, meaning = laid_out.comments.texts(), _meaning(source.value, ())
    formatted = laid_out.read()
    for _ in range(4):  # a comment in an odd place may want a second turn
        if len(formatted.encode()) > MAX_BYTES:
            message = f"laid out, the file would be longer than {MAX_BYTES:,} bytes"
            raise SpecError([Diagnostic("too-large", message, (), source.locate(()))])
        again = _Reader(read_source(formatted, file))
        if again.comments.texts() != before or _meaning(again.source.value, ()) != meaning:
            raise _unfit(source, "what it says would change")
        previous, formatted = formatted, again.read()
        if formatted == previous:
            return formatted
    raise _unfit(source, "it would never come to an end")


def _unfit(source: Source, why: str) -> SpecError:
    message = (
        f"this file cannot be laid out: {why}, which is a fault of cnnspec; it is left as it is"
    )
    return SpecError([Diagnostic("not-laid-out", message, (), source.locate(()))])


def looks_like_a_spec(text: str | bytes) -> bool:
    """Tell whether a text has a spec's `layers`, or cannot be read, so that somebody must look."""
    try:
        value = read_source(text, "").value
    except SpecError:
        return True
    return isinstance(value, dict) and "layers" in value


def _meaning(value: Any, path: Path) -> Any:
    """Return what a value says, however it is written."""
    if isinstance(value, dict):
        if is_kinded(path) and len(value) == 1:
            ((kind, options),) = value.items()
            plain = not options and not isinstance(options, list | str | int | float)
            if plain and kind in kinds_at(path):
                return repr(kind)
        return {key: _meaning(inner, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_meaning(inner, (*path, index)) for index, inner in enumerate(value)]
    return repr(value)  # nan is not itself


class _Reader:
    """Reads a text into nodes, each with its comments."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.comments = Comments(self.text, source.events)

    def read(self) -> str:
        """Return the canonical text."""
        nodes: Iterator[Any] = (event for event in self.source.events if isinstance(event, _NODES))
        root, _ = self._node(next(nodes), nodes, None)
        assert isinstance(root, Collection)
        return write(root, self.comments.attach(root))

    def _node(self, event: Any, nodes: Iterator[Any], parent: Place | None) -> tuple[Node, int]:
        """Return the node that starts with an event, and where it ends."""
        start, end = event.start_mark.index, event.end_mark.index
        in_braces = parent is not None and parent.in_braces
        if isinstance(event, yaml.ScalarEvent):
            written = self.text[start:end].rstrip()
            plain = event.style not in ("|", ">") and not LINE_BREAK.search(written)
            text = written if plain else text_scalar(event.value)
            return Scalar(text, in_braces), start + len(written)
        node = Collection(is_list=isinstance(event, yaml.SequenceStartEvent))
        braces: bool = event.flow_style
        last = start
        for inner in nodes:
            end = inner.end_mark.index
            if type(inner) in _ENDS:
                if parent is not None:
                    parent.braces_end = end if braces else 0
                return node, end if braces else last
            key, value, begin = None, inner, inner.start_mark.index
            if not node.is_list:
                key, value = inner.value, next(nodes)
            elif not braces:
                begin = self.comments.bare.rindex("-", last, begin)
            entry = Entry(key, Scalar(""))
            place = self.comments.place(entry, node, parent, begin, in_braces=braces)
            place.value_start = value.start_mark.index
            node.entries.append(entry)
            entry.value, last = self._node(value, nodes, place)
            last = place.end = last if key is None else max(last, end)
            place.is_block = isinstance(value, yaml.CollectionStartEvent) and not value.flow_style
        raise AssertionError("a collection without an end")
