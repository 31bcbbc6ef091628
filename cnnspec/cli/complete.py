"""What `--set` can change in a spec, for a shell that completes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnnspec.errors import SpecError
from cnnspec.shipped import shipped_specs
from cnnspec.spec.composites import COMPOSITES
from cnnspec.spec.diagnostics import Path
from cnnspec.spec.load import read_text
from cnnspec.spec.model import KINDS_AT, ModelSpec
from cnnspec.spec.overrides import written_names
from cnnspec.spec.section import kind_of
from cnnspec.spec.source import read_source
from cnnspec.spec.translate import options_at


def settable(spec: str | None) -> list[str]:
    """List what can be set, as in `training.epochs=`; the layers are those of the file `spec`."""
    return [f"{target}=" for target in (*_sections(), *(_layers(spec) if spec else ()))]


def _sections() -> Iterator[str]:
    for section in ModelSpec.model_fields:
        if section == "layers":
            continue
        yield from _below((section,))


def _below(path: Path) -> Iterator[str]:
    """Yield a path, or the paths of the options below it."""
    kinds = KINDS_AT.get(tuple(str(step) for step in path), {})
    if kinds:
        yield ".".join(map(str, path))
    for kind in kinds:
        yield from _below((*path, kind))
    options = [] if kinds else options_at(path)
    for option in options:
        yield from _below((*path, option))
    if not kinds and not options:
        yield ".".join(map(str, path))


def _layers(spec: str) -> Iterator[str]:
    try:
        value = read_source(read_text(shipped_specs().get(spec, spec)), spec).value
    except SpecError:
        return
    if isinstance(value, dict):
        yield from _entries(value.get("layers"), ("layers",), "layers", 1)


def _entries(value: Any, path: Path, target: str, depth: int) -> Iterator[str]:
    """Yield the options of the layers and blocks in a list, or in lists within each other."""
    if not isinstance(value, list):
        return
    for index, name in enumerate(written_names(value) if depth == 1 else range(len(value))):
        at, here, inside = (*path, index), f"{target}.{name}", value[index]
        if depth > 1:
            yield from _entries(inside, at, here, depth - 1)
            continue
        kind = kind_of(inside) or ""
        yield from (f"{here}.{option}" for option in options_at((*at, kind)))
        options = inside.get(kind) if isinstance(inside, dict) else None
        if kind in COMPOSITES and isinstance(options, dict):
            for option, levels in COMPOSITES[kind].lists.items():
                yield from _entries(
                    options.get(option), (*at, kind, option), f"{here}.{option}", levels
                )
