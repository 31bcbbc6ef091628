"""YAML text -> plain values, and the line and column of each.

A strict reader of the YAML that a spec needs: one document of mappings, lists and
scalars of the YAML 1.2 core schema (`1e-3` is a number, `no` is a string, `010` is
ten). PyYAML scans and parses; the values are built here from its events, with a
stack of our own, so that no nesting overflows Python's.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from cnnspec.errors import SpecError
from cnnspec.spec.diagnostics import Diagnostic, Location, Path, brief
from cnnspec.spec.encoding import decoded
from cnnspec.spec.kept import without_note
from cnnspec.spec.lookalikes import looks_like, named, strangers
from cnnspec.spec.scalars import core_scalar
from cnnspec.spec.syntax import explain

LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What PyYAML counts as the end of a line."""

MAX_BYTES = 200_000
MAX_VALUES = 15_000
MAX_DEPTH = 50
MAX_KEY = 200


@dataclass(frozen=True)
class Bounds:
    """How much of a text is read."""

    bytes: int
    values: int


WRITTEN = Bounds(MAX_BYTES, MAX_VALUES)
"""What people write."""

RESOLVED = Bounds(bytes=64_000_000, values=2_000_000)
"""What a run keeps: a spec with every default written out, of any that is valid.

`limits.layers` and the sizes that every section is held to (`cnnspec.spec.section`) keep all
specs within this; a test holds the worst of every kind of layer, and of blocks, against it.
"""


class Unread:
    """Stands for a value that is there, but cannot be read; its problem is already known."""


UNREAD = Unread()


@dataclass(frozen=True)
class Written:
    """What a text is, for those who are told of a mistake in it."""

    article: str
    noun: str
    command: str
    """Writes one to start from."""


SPEC = Written("a", "spec", "cnnspec init")


@dataclass
class Source:
    """The values of a text and their places."""

    file: str
    text: str = ""
    """The text, without a byte order mark."""
    events: list[Any] = field(default_factory=list)
    """What PyYAML makes of it."""
    value: Any = None
    values: dict[Path, Location] = field(default_factory=dict)
    """Place of the value at each path."""
    keys: dict[Path, Location] = field(default_factory=dict)
    """Place of the key that ends each path."""
    anchored: set[str] = field(default_factory=set)
    """Keys on top whose values have an anchor: they are there to be referred to."""
    overridden: list[Path] = field(default_factory=list)
    """Paths that `--set` has changed."""
    diagnostics: list[Diagnostic] = field(default_factory=list)
    """Problems that did not stop the reading, such as duplicate keys."""

    def report(
        self,
        code: str,
        message: str,
        path: Path = (),
        location: Location | None = None,
        help: str = "",
    ) -> None:
        """Note a problem, and read on."""
        self.diagnostics.append(
            Diagnostic(code, message, path, location or self.locate(path), help)
        )

    def locate(self, path: Path, *, key: bool = False) -> Location:
        """Return the place of a value (or of its key), or of the nearest thing around it."""
        if key and path in self.keys:
            return self.keys[path]
        if path in self.values:
            return self.values[path]
        for length in range(len(path) - 1, -1, -1):
            around = path[:length]
            if around in self.keys:
                return self.keys[around]
            if around in self.values:
                return self.values[around]
        return Location(self.file, 1, 1, 2, "")


def read_source(
    text: str | bytes, file: str, bounds: Bounds = WRITTEN, what: Written = SPEC
) -> Source:
    """Read one YAML document.

    Raises:
        SpecError: the text is not the YAML that a spec may use, and cannot be read on.
    """
    source = Source(file)
    given = text if isinstance(text, bytes) else text.encode(errors="replace")
    if len(without_note(given)) > bounds.bytes:
        _refuse(
            source,
            "too-large",
            f"the file is longer than {bounds.bytes:,} bytes",
            help="a network of a thousand layers takes half of that; is this the right file?",
        )
    text = decoded(text, file) if isinstance(text, bytes) else text
    first = LINE_BREAK.split(text, maxsplit=1)[0].removeprefix("\ufeff")
    source.values[()] = Location(file, 1, 1, 2, first)
    if text.startswith("\ufeff"):
        text = text.removeprefix("\ufeff")
        source.report("byte-order-mark", "the file starts with a byte order mark, U+FEFF")
    source.text = text
    _Reader(source, text, bounds.values, what).read()
    return source


def _refuse(
    source: Source,
    code: str,
    message: str,
    location: Location | None = None,
    help: str = "",
    notes: tuple[str, ...] = (),
) -> NoReturn:
    """Give up; what was found before comes first."""
    location = location or source.locate(())
    final = Diagnostic(code, message, location=location, help=help, notes=notes)
    raise SpecError([*source.diagnostics, final])


def _place(problem: Diagnostic) -> tuple[int, int]:
    at = problem.location
    return (at.line, at.column) if at else (0, 0)


def _strangers(line: str) -> list[str]:
    """Name the signs of a line that may have been meant as ones that YAML reads."""
    signs = {each.sign: each for each in strangers(line) if not each.sign.isalpha()}
    return [
        f"the line holds {named(each)}, which is not {looks_like(each)} to YAML"
        for each in signs.values()
    ]


@dataclass
class _Frame:
    """A mapping or a list that is still open."""

    container: dict[str, Any] | list[Any]
    path: Path
    key: str | None = None
    ignored: bool = False
    """The next value belongs to a key that was refused."""


class _Reader:
    def __init__(self, source: Source, text: str, most_values: int, what: Written) -> None:
        self.source, self.what = source, what
        self.most_values = most_values
        self.text = text
        self.lines = LINE_BREAK.split(text)
        self.frames: list[_Frame] = []
        self.references: list[tuple[str, Location]] = []
        """Anchors and aliases, in order."""

    def read(self) -> None:
        """Read all that can be read; anchors and aliases are reported at the end, at once.

        Raises:
            SpecError: it cannot be read on.
        """
        try:
            self._read()
        except SpecError as error:
            self._report_references()
            raise SpecError([*self.source.diagnostics, error.diagnostics[-1]]) from None
        self._report_references()

    def _read(self) -> None:
        documents = values = 0
        noun = self.what.noun
        for event in self._events():
            self.source.events.append(event)
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                mark: Any = event.start_mark
                if self.text.startswith("%", mark.index):
                    message = "directives (lines that start with `%`) are not supported"
                    self._report(event, "directive", message, help="remove it")
                if documents > 1:
                    self._report(
                        event,
                        "several-documents",
                        f"{self.what.article} {noun} is one document; here starts another",
                        help=f"keep each {noun} in a file of its own",
                    )
                    break
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.ScalarEvent):
                self._check_node(event)
                self._scalar(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._check_node(event)
                self._open(event, {} if isinstance(event, yaml.MappingStartEvent) else [])
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close(event)
            values += isinstance(event, yaml.NodeEvent)
            if values > self.most_values:
                message = f"the file holds more than {self.most_values:,} values"
                self._refuse(event, "too-large", message)
        if not values or (self.source.value is None and self._is_blank()):
            message = f"the file holds no {noun}: it is empty, or all of it is comments"
            way_out = f"`{self.what.command}` writes one to start from"
            _refuse(self.source, "empty", message, help=way_out)

    def _report_references(self) -> None:
        """Report anchors and aliases as one problem: there may be thousands."""
        if not self.references:
            return
        aliases = [each for each in self.references if each[0].startswith("*")]
        code, (name, at) = ("alias", aliases[0]) if aliases else ("anchor", self.references[0])
        what = "aliases" if aliases else "anchors"
        more = len(self.references) - 1
        rest = f"; the file has {more:,} more of them and of anchors" if more else ""
        if not aliases and more:
            rest = f"; the file has {more:,} more of them"
        self.source.report(
            code,
            f"{what} (`{brief(name)}`) are not supported{rest}",
            (),
            at,
            f"write out what `&{brief(name[1:])}` stands for"
            if aliases
            else "remove it; write values out",
        )
        self.source.diagnostics.sort(key=_place)

    def _is_blank(self) -> bool:
        """Tell whether the text holds comments and document marks alone."""
        return all(
            line.strip() in ("", "---", "...") or line.lstrip().startswith("#")
            for line in self.lines
        )

    def _events(self) -> Iterator[Any]:
        loader = None
        try:
            loader = yaml.SafeLoader(self.text)
            while loader.check_event():
                yield loader.get_event()  # type: ignore[no-untyped-call]
        except yaml.MarkedYAMLError as error:
            found = explain(error)
            at = self._at(found.line, found.column, found.column + 1)
            notes = [found.note] if found.note else []
            notes += _strangers(at.text)
            _refuse(self.source, found.code, found.message, at, found.help, tuple(notes))
        except yaml.reader.ReaderError as error:
            before = LINE_BREAK.split(self.text[: error.position])
            line, column = len(before) - 1, len(before[-1])
            _refuse(
                self.source,
                "control-character",
                f"the character U+{ord(self.text[error.position]):04X} is not allowed in YAML",
                self._at(line, column, column + 1),
                "remove it; in double quotes it can be written as an escape",
            )
        except (ValueError, OverflowError):  # PyYAML converts escapes and versions unchecked
            assert loader is not None
            mark = loader.get_mark()
            at = self._at(mark.line, mark.column, mark.column + 1)
            _refuse(self.source, "syntax", "a number here is out of range", at)

    def _alias(self, event: Any) -> None:
        self.references.append((f"*{event.anchor}", self._span(event)))
        frame = self.frames[-1] if self.frames else None
        if frame and isinstance(frame.container, dict) and frame.key is None:
            self._refuse(event, "wrong-key", "a key must be a word, not an alias")
        self._add(event, UNREAD)

    def _check_node(self, event: Any) -> None:
        """Report anchors and tags; the value itself is read on as if it had none."""
        if event.anchor is not None:
            at = self._span(event)
            if at.text.startswith("&", at.column - 1):
                at = dataclasses.replace(at, end_column=at.column + 1 + len(event.anchor))
            self.references.append((f"&{event.anchor}", at))
            if len(self.frames) == 1 and self.frames[0].key:
                self.source.anchored.add(self.frames[0].key)
        if event.tag is not None:
            written = event.tag.replace("tag:yaml.org,2002:", "!!", 1)
            message = f"tags (`{brief(written)}`) are not supported"
            self._report(event, "tag", message, help="remove it; a kind is a word or a key")

    def _scalar(self, event: Any) -> None:
        frame = self.frames[-1] if self.frames else None
        if frame and isinstance(frame.container, dict) and frame.key is None:
            self._key(frame, event)
            return
        value: Any = event.value
        if event.style is None:
            try:
                value = core_scalar(event.value)
            except ValueError as error:
                self._report(event, "number-too-long", str(error), help="write a smaller number")
                value = UNREAD
        self._add(event, value)

    def _key(self, frame: _Frame, event: Any) -> None:
        assert isinstance(frame.container, dict)
        key = frame.key = event.value
        path = (*frame.path, key)
        if len(key) > MAX_KEY:
            message = f"a key of {len(key):,} characters; at most {MAX_KEY} are read"
            self._refuse(event, "wrong-key", message)
        if re.search("[\ud800-\udfff]", key):
            self._refuse(event, "wrong-key", "a key must be text; found half of a surrogate pair")
        if key in frame.container:
            first = self.source.keys[path]
            message = f"`{key}` is written twice; the first is in line {first.line}"
            self.source.report(
                "duplicate-key", message, path, self._span(event), "keep one of them"
            )
            frame.ignored = True
            return
        frame.ignored = False
        self.source.keys[path] = self._span(event)

    def _open(self, event: Any, container: dict[str, Any] | list[Any]) -> None:
        frame = self.frames[-1] if self.frames else None
        if frame and isinstance(frame.container, dict) and frame.key is None:
            self._refuse(event, "wrong-key", "a key must be a word, not a mapping or a list")
        if len(self.frames) >= MAX_DEPTH:
            self._refuse(event, "too-deep", f"more than {MAX_DEPTH} levels of nesting")
        path = self._add(event, container)
        self.frames.append(_Frame(container, path))

    def _close(self, event: Any) -> None:
        """End a mapping or a list; what is in braces in one line is marked as a whole."""
        path = self.frames.pop().path
        at = self.source.values.get(path)
        if at and event.end_mark.line == at.line - 1 and event.end_mark.column >= at.end_column:
            self.source.values[path] = dataclasses.replace(at, end_column=event.end_mark.column + 1)

    def _add(self, event: Any, value: Any) -> Path:
        """Put a value where it belongs and return its path."""
        if not self.frames:
            self.source.value = value
            self.source.values[()] = self._span(event)
            return ()
        frame = self.frames[-1]
        if isinstance(frame.container, list):
            path: Path = (*frame.path, len(frame.container))
            frame.container.append(value)
        else:
            assert frame.key is not None
            path = (*frame.path, frame.key)
            key, frame.key = frame.key, None
            if frame.ignored:
                return (*frame.path, f"{key} (again)")
            frame.container[key] = value
        self.source.values[path] = self._span(event)
        return path

    def _report(self, event: Any, code: str, message: str, help: str) -> None:
        self.source.report(code, message, (), self._span(event), help)

    def _refuse(self, event: Any, code: str, message: str) -> NoReturn:
        _refuse(self.source, code, message, self._span(event))

    def _span(self, event: Any) -> Location:
        start, end = event.start_mark, event.end_mark
        flat = end.line == start.line
        is_word = isinstance(event, yaml.ScalarEvent | yaml.AliasEvent)
        end_column = end.column if flat and is_word else start.column + 1
        return self._at(start.line, start.column, max(end_column, start.column + 1))

    def _at(self, line: int, column: int, end_column: int) -> Location:
        text = self.lines[line] if line < len(self.lines) else ""
        return Location(self.source.file, line + 1, column + 1, end_column + 1, text)
