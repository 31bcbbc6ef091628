"""Kinds that do not exist, but whose meaning is clear: they are reported, and read on as meant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from cnnspec.spec.composites import COMPOSITES
from cnnspec.spec.diagnostics import Diagnostic, Path
from cnnspec.spec.model import KINDS_AT, kinds_at
from cnnspec.spec.section import kind_of
from cnnspec.spec.source import Source
from cnnspec.spec.words import meant, noun_of, unknown_kind

MOST = 100
"""How many are read on as meant; a person mends these first."""


def guess_kinds(source: Source) -> list[Diagnostic]:
    """Put known kinds in the place of unknown ones in `source`; return what was wrong."""
    problems: list[Diagnostic] = []
    below: dict[Path, list[Path]] = {}
    for path, holder, key in _kinded(source.value):
        word, kinds = kind_of(holder[key]), kinds_at(path)
        if word is None or word in kinds or len(problems) >= MOST:
            continue
        known = (meant(word, kinds, noun_of(path)) or "").partition(":")[0]
        if not known:
            continue
        below = below or _paths_by_place(source)
        at = source.keys.get((*path, word)) or source.locate(path)
        item = holder[key]
        options = item[word] if isinstance(item, dict) else {}
        problems.append(unknown_kind(path, word, at, options))
        holder[key] = {known: options}
        for places in (source.values, source.keys):
            for old in [old for old in below[path] if old[: len(path) + 1] == (*path, word)]:
                if old in places:
                    places[(*path, known, *old[len(path) + 1 :])] = places.pop(old)
        if known in COMPOSITES:
            below = {}  # all that is inside has moved
    return problems


def _kinded(value: dict[str, Any]) -> Iterator[tuple[Path, Any, Any]]:
    """Yield the path of each thing with a kind, what holds it, and its key there."""
    yield from _entries(value.get("layers"), ("layers",), 1)
    for path in KINDS_AT:
        holder: Any = value
        for step in path[:-1]:
            holder = holder.get(step) if isinstance(holder, dict) else None
        if isinstance(holder, dict) and path[-1] in holder:
            yield path, holder, path[-1]


def _entries(value: Any, path: Path, depth: int) -> Iterator[tuple[Path, Any, Any]]:
    """Yield the layers and blocks of a list, those around before those inside."""
    for index in range(len(value)) if isinstance(value, list) else ():
        at = (*path, index)
        if depth > 1:
            yield from _entries(value[index], at, depth - 1)
            continue
        yield at, value, index
        entry = value[index]  # as it was read, or as it was meant
        kind = kind_of(entry) or ""
        block = COMPOSITES.get(kind)
        options = entry.get(kind) if isinstance(entry, dict) else None
        if block is not None and isinstance(options, dict):
            for option, levels in block.lists.items():
                yield from _entries(options.get(option), (*at, kind, option), levels)


def _paths_by_place(source: Source) -> dict[Path, list[Path]]:
    """Gather the paths below each thing with a kind."""
    found: dict[Path, list[Path]] = defaultdict(list)
    for path in {*source.values, *source.keys}:
        for length in range(1, len(path)):
            if kinds_at(path[:length]):
                found[path[:length]].append(path)
    return found
