"""`--set training.epochs=3`: single values of a spec, changed before it is validated."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from cnnspec.errors import SpecError
from cnnspec.spec.composites import COMPOSITES
from cnnspec.spec.diagnostics import Diagnostic, Location, Path, brief
from cnnspec.spec.layers.layer import is_layer_name
from cnnspec.spec.model import KINDS_AT, kinds_at
from cnnspec.spec.section import kind_of
from cnnspec.spec.shapes import layer_names
from cnnspec.spec.source import MAX_DEPTH, Source, read_source

MAX_CHARACTERS = 20_000

_BRACKETS = re.compile(r"\[([0-9]+)\]")
"""A place in a list, as errors write it: `paths[1]`."""


class _Override(NamedTuple):
    number: int
    """Of all that are given, from 1: the line that problems are reported in."""
    text: str

    def at(self, start: int, end: int) -> Location:
        return Location("--set", self.number, start, end, self.text)


def apply_overrides(source: Source, overrides: Iterable[str]) -> list[Diagnostic]:
    """Change values of `source` in place; layers are named as in the plan.

    Return what is wrong with the overrides: one that names no place, or whose value is not YAML.
    """
    given = list(overrides)
    if sum(map(len, given)) > MAX_CHARACTERS:
        message = f"all --set together are longer than {MAX_CHARACTERS:,} characters"
        at = Location("--set", 1, 1, 2, "")
        return [Diagnostic("override", message, location=at, help="write the changes into a file")]
    problems: list[Diagnostic] = []
    for number, text in enumerate(given, 1):
        try:
            _apply(source, _Override(number, text))
        except SpecError as error:
            problems += error.diagnostics
    return problems


def _apply(source: Source, override: _Override) -> None:
    target, equals, text = override.text.partition("=")
    steps = _BRACKETS.sub(r".\1", target.strip()).split(".")
    if not equals or not all(steps):
        raise _refusal(override, "wanted `option=value`, as in training.epochs=3")
    if len(steps) > MAX_DEPTH:
        raise _refusal(override, f"a path of {len(steps):,} steps; at most {MAX_DEPTH} are read")
    given = _read_value(text, override, len(target) + 1)
    path, new = _assign(source, steps, given.value, override)
    for places in (source.values, source.keys):
        for known in [known for known in places if known[:new] == path[:new]]:
            del places[known]
    for length in range(new, len(path) + 1):
        key = override.at(1, len(target) + 1)
        source.values[path[:length]] = source.keys[path[:length]] = key
    source.overridden.append(path)
    source.values |= {path + inner: location for inner, location in given.values.items()}
    source.keys |= {path + inner: location for inner, location in given.keys.items()}


def _read_value(text: str, override: _Override, offset: int) -> Source:
    def moved(location: Location) -> Location:
        start = location.column + offset if location.line == 1 else 1
        end = location.end_column + offset if location.line == 1 else 2
        return override.at(start, end)

    try:
        given = read_source(text, "--set") if text.strip() else Source("--set")
        problems = tuple(given.diagnostics)
    except SpecError as error:
        problems = error.diagnostics
    if problems:
        raise SpecError(
            dataclasses.replace(problem, location=moved(problem.location))
            for problem in problems
            if problem.location
        )
    given.values = {path: moved(location) for path, location in given.values.items()}
    given.keys = {path: moved(location) for path, location in given.keys.items()}
    return given


def _assign(source: Source, steps: list[str], value: Any, override: _Override) -> tuple[Path, int]:
    """Put `value` where `steps` lead, opening sections on the way.

    Return its path, and the length of the shortest part of it that is new.
    """
    if not isinstance(source.value, dict):
        raise _refusal(override, "the spec is not a mapping, so nothing in it can be set")
    path: Path = ()
    new = None
    here: Any = source.value
    kind = ""
    """The kind of the layer or the block whose options are here."""
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        if isinstance(here, list):
            index = _find(here, path, step, override)
            path = (*path, index)
            if last:
                here[index] = value
                break
            if isinstance(here[index], list):  # a path of branches
                here = here[index]
                continue
            kind = kind_of(here[index]) or ""
            opened = _opened(here[index], kind)
            if opened is not here[index]:
                here[index], new = opened, new or len(path)
            if steps[number + 1] == kind:  # it may be written, but says nothing
                here = opened
            else:
                here, path = opened[kind], (*path, kind)
            continue
        if kind in COMPOSITES and path[-1] == kind:
            _refuse_inner_name(override, kind, here, steps, number)
        path = (*path, step)
        if last:
            here[step] = value
            break
        inside = here.get(step)
        if not isinstance(inside, list):
            opened = _opened(inside, steps[number + 1]) if path in KINDS_AT else inside
            opened = opened if isinstance(opened, dict) else {}
            if opened is not inside:
                here[step], new = opened, new or len(path)
            inside = opened
        here = inside
    return path, new or len(path)


def _refuse_inner_name(
    override: _Override, kind: str, options: dict[str, Any], steps: list[str], number: int
) -> None:
    """Refuse what stands in a block where its option is missed, as in the names of a plan."""
    block, step = COMPOSITES[kind], steps[number]
    repetition = step.isdecimal() and block.ending
    if step in block.model_fields:
        return
    found = [
        ".".join([*steps[:number], *rest]) for rest in _full_paths(options, kind, steps[number:])
    ]
    message = f"`{step}` is no option of a `{kind}`"
    if repetition:
        message += ": its layers are written once, and changed in all repetitions alike"
    if found:
        way_out = f"write {' or '.join(f'`{path}`' for path in found[:_OFFERED])}"
        raise _refusal(override, message, way_out)
    if repetition:
        raise _refusal(override, message, f"write `{repetition}` in its place")


_OFFERED = 3
"""Paths of one name that are offered."""


def _full_paths(options: Any, kind: str, steps: list[str]) -> Iterator[list[str]]:
    """Yield the steps below a block with the options in between that were missed."""
    block = COMPOSITES[kind]
    if not isinstance(options, dict) or not steps:
        return
    if steps[0] in block.lists:
        depth, inside = block.lists[steps[0]], steps[1:]
        value = options.get(steps[0])
        place = steps[:depth]
        if depth == 2 and isinstance(value, list) and inside and inside[0].isdecimal():
            value, inside = dict(enumerate(value)).get(int(inside[0][:9])), inside[1:]
        for rest in _full_paths_in(value, inside):
            yield [*place, *rest]
        return
    if steps[0] in block.model_fields:
        yield steps
        return
    inside = steps[1:] if steps[0].isdecimal() and block.ending else steps
    for option, depth in block.lists.items():
        value = options.get(option)
        many = value if depth == 2 and isinstance(value, list) else [value]
        for at, entries in enumerate(many):
            before = [option, str(at)] if depth == 2 else [option]
            for rest in _full_paths_in(entries, inside):
                yield [*before, *rest]


def _full_paths_in(entries: Any, steps: list[str]) -> Iterator[list[str]]:
    names = written_names(entries)
    if not steps or steps[0] not in names:
        return
    entry = entries[names.index(steps[0])]
    kind, rest = kind_of(entry), steps[1:]
    if rest and kind in COMPOSITES:
        given = rest[1:] if rest[0] == kind else rest
        for below in _full_paths(entry[kind] if isinstance(entry, dict) else {}, kind, given):
            yield [steps[0], *below]
    else:
        yield steps


def _opened(value: Any, kind: str) -> dict[str, Any]:
    """Return a thing with a kind as a mapping whose options can be set."""
    if isinstance(value, dict) and isinstance(value.get(kind), dict):
        return value
    return {kind: {}}


def _find(layers: list[Any], path: Path, step: str, override: _Override) -> int:
    if kinds_at((*path, 0)):
        names = written_names(layers)
        if step in names:
            return names.index(step)
        if not step.isdecimal():
            few = names if len(names) <= 8 else [*names[:7], f"... {names[-1]}"]
            raise _refusal(
                override, f"no layer is named `{brief(step)}`; there are {', '.join(few)}"
            )
    if step.isdecimal() and len(step) < 10 and int(step) < len(layers):
        return int(step)
    last = len(layers) - 1
    places = f"write 0{f' or {last}' if last == 1 else f' to {last}' if last > 1 else ''}"
    message = f"`{brief(step)}` is no place in a list of {len(layers)}"
    raise _refusal(override, message, places if layers else "")


def written_names(layers: Any) -> list[str]:
    """Name the layers of a spec that is not validated yet."""
    if not isinstance(layers, list):
        return []
    return layer_names((kind_of(layer), _written_name(layer)) for layer in layers)


def name_at(layers: Any, path: Path) -> str:
    """Name the layer or the block at a path of `layers`, as a plan does; in a repeat, the first.

    The path ends in its kind.
    """
    name, here, at = "", layers, 1
    while True:
        index, kind = path[at], str(path[at + 1])
        name += written_names(here)[int(index)]
        if len(path) == at + 2:
            return name
        block = COMPOSITES[kind]
        steps = path[at + 2 : at + 2 + block.lists[str(path[at + 2])]]
        name += f".{block.label(steps)}."
        here = here[index][kind]
        for step in steps:
            here = here[step]
        at += 2 + len(steps)


def _written_name(layer: Any) -> str | None:
    kind = kind_of(layer)
    options = layer.get(kind) if isinstance(layer, dict) else None
    name = options.get("name") if isinstance(options, dict) else None
    return name if isinstance(name, str) and is_layer_name(name) else None


def _refusal(override: _Override, message: str, way_out: str = "") -> SpecError:
    location = override.at(1, len(override.text) + 1)
    return SpecError([Diagnostic("override", message, location=location, help=way_out)])
