"""Text -> ModelSpec, or SpecError with every problem that was found."""

from __future__ import annotations

import dataclasses
import errno
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path as FilePath
from typing import Any, TypeGuard, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cnnspec.errors import SpecError
from cnnspec.files import open_regular
from cnnspec.spec.checks import check
from cnnspec.spec.data.contents import Survey
from cnnspec.spec.data.source import DataSource
from cnnspec.spec.diagnostics import Diagnostic, Location, Path
from cnnspec.spec.drafts import valid_sections
from cnnspec.spec.guess import guess_kinds
from cnnspec.spec.kept import with_note
from cnnspec.spec.layers import KINDS, AnyLayer, Layer
from cnnspec.spec.limits import Limits
from cnnspec.spec.model import ModelSpec, kinds_at
from cnnspec.spec.optimizers import AnyOptimizer
from cnnspec.spec.overrides import apply_overrides
from cnnspec.spec.sections import Sections
from cnnspec.spec.source import RESOLVED, WRITTEN, Bounds, Source, read_source
from cnnspec.spec.translate import is_said, not_a_mapping, translate

MAX_PROBLEMS = 100


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What is found in a text: a spec, or None where it is not valid; and every problem."""

    spec: ModelSpec | None
    diagnostics: tuple[Diagnostic, ...]
    """Errors and warnings: those of `--set`, then those of the file by line."""


def load_spec(path: str | FilePath, *, overrides: Iterable[str] = ()) -> ModelSpec:
    """Read a spec file; `overrides` are `option=value`, as in `training.epochs=3`.

    Raises:
        SpecError: the file cannot be read, or the spec in it is not valid.
    """
    return parse_spec(read_text(path), file=str(path), overrides=overrides)


def load_resolved(path: str | FilePath, *, overrides: Iterable[str] = ()) -> ModelSpec:
    """Read a spec that a run keeps, which may be longer than what people write.

    Raises:
        SpecError: as `load_spec`.
    """
    text = read_text(path, RESOLVED)
    return parse_spec(text, file=str(path), overrides=overrides, bounds=RESOLVED)


def read_text(path: str | FilePath, bounds: Bounds = WRITTEN) -> bytes:
    """Read the text of a spec file; of one that is too long, at least a byte too many.

    Raises:
        SpecError: the file cannot be read, or is no regular file.
    """
    try:
        with open_regular(path, most=sys.maxsize) as file:
            return file.read(most_bytes(bounds))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        way_out = ""
        if getattr(error, "errno", None) == errno.EINVAL and not FilePath(path).is_dir():
            way_out = "write `-` for the file, and send the spec there: `... | cnnspec COMMAND -`"
        problem = Diagnostic("unreadable", f"cannot read {path}: {reason}", help=way_out)
        raise SpecError([problem]) from None


def most_bytes(bounds: Bounds = WRITTEN) -> int:
    """Return how many bytes of a file have to be read to know whether it is too long."""
    return len(with_note(b"")) + bounds.bytes + 2


def parse_spec(
    text: str | bytes,
    *,
    file: str = "<spec>",
    overrides: Iterable[str] = (),
    bounds: Bounds = WRITTEN,
) -> ModelSpec:
    """Read a spec from text; `file` is the name that problems are reported under.

    Raises:
        SpecError: the spec is not valid. It holds the warnings, too.
    """
    found = inspect_spec(text, file=file, overrides=overrides, bounds=bounds)
    if found.spec is None:
        raise SpecError(found.diagnostics)
    return found.spec


def inspect_spec(
    text: str | bytes,
    *,
    file: str = "<spec>",
    overrides: Iterable[str] = (),
    bounds: Bounds = WRITTEN,
    look: Callable[[DataSource, Limits], Survey] | None = None,
    trains: bool = False,
) -> Inspection:
    """Read a spec from text, and return it with every problem, warnings included.

    `look` opens its data, as `cnnspec.data.survey` does; without it, no other file is read.
    `trains` asks for outputs that a loss takes, of a spec without data, too.
    """
    try:
        source = read_source(text, file, bounds)
    except SpecError as error:
        return Inspection(None, _first(list(error.diagnostics)))
    problems = apply_overrides(source, overrides) + source.diagnostics
    if not isinstance(source.value, dict):
        problems.append(not_a_mapping(source))
        return Inspection(None, _first(problems))
    problems += guess_kinds(source)
    spec, errors = _validate(source.value)
    errors = [error for error in errors if not is_said(error, source)]
    skipped = max(0, len(errors) - MAX_PROBLEMS)
    if skipped:
        errors = sorted(errors, key=lambda error: _position(source.locate(error["loc"])))
    problems += translate(errors[:MAX_PROBLEMS], source)
    if not skipped:
        sections = Sections.of(spec) if spec else valid_sections(source.value)
        if look and _can_be_opened(sections.data, errors):
            seen = look(sections.data, sections.limits or Limits())
            sections = dataclasses.replace(sections, seen=seen.contents)
            problems += [_located(problem, source) for problem in seen.problems]
        problems += [_located(problem, source) for problem in check(sections, trains).problems]
    if any(problem.severity == "error" for problem in problems):
        spec = None
    return Inspection(spec, _first(problems, skipped))


def parse_layer(kind: str, options: str, *, file: str) -> AnyLayer:
    """Read the options of a layer alone, as a spec has them behind its kind.

    No images are held against them; `file` is the name that problems are reported under.

    Raises:
        SpecError: the options are not valid, or fit no images whatever.
    """
    written = read_source(options, file) if options.strip() else Source(file)
    layer, problems = inspect_layer(kind, written, ())
    problems = [*written.diagnostics, *problems]
    if problems or layer is None:
        raise SpecError(_first(problems))
    return layer


def inspect_layer(kind: str, written: Source, at: Path) -> tuple[AnyLayer | None, list[Diagnostic]]:
    """Read the options of a layer that stand somewhere in a text, and say what is wrong with them.

    No images are held against them.
    """
    path: Path = ("layers", 0, kind)
    source = _around(written, at, path, lambda options: {"layers": [{kind: options}]})
    spec, problems = _inspected(source)
    layer = spec.layers[0] if spec else None
    if isinstance(layer, Layer):
        problems += [_located(problem, source) for problem in _of_any_input(layer, path)]
    return None if problems else cast("AnyLayer", layer), problems


def parse_optimizer(kind: str, options: str, *, file: str) -> AnyOptimizer:
    """Read the options of an optimizer alone, as a spec has them behind its kind.

    Raises:
        SpecError: the options are not valid.
    """
    written = read_source(options, file) if options.strip() else Source(file)
    optimizer, problems = inspect_optimizer(kind, written, ())
    problems = [*written.diagnostics, *problems]
    if problems or optimizer is None:
        raise SpecError(_first(problems))
    return optimizer


def inspect_optimizer(
    kind: str, written: Source, at: Path
) -> tuple[AnyOptimizer | None, list[Diagnostic]]:
    """Read the options of an optimizer that stand somewhere in a text, and say what is wrong."""
    bare = next(word for word, layer in KINDS.items() if not _must_be_written(layer))
    spec, problems = _inspected(
        _around(
            written,
            at,
            ("training", "optimizer", kind),
            lambda options: {"layers": [bare], "training": {"optimizer": {kind: options}}},
        )
    )
    return spec.training.optimizer if spec else None, problems


def _must_be_written(layer: type[Layer]) -> bool:
    return any(field.is_required() for field in layer.model_fields.values())


def _around(written: Source, at: Path, path: Path, spec: Callable[[Any], dict[str, Any]]) -> Source:
    """Return a spec around options that stand somewhere in a text; in it, they are at a path."""
    options = written.value
    for step in at:
        options = options[step]

    def moved(places: dict[Path, Location]) -> dict[Path, Location]:
        return {
            (*path, *place[len(at) :]): location
            for place, location in places.items()
            if place[: len(at)] == at
        }

    return dataclasses.replace(
        written,
        value={"input": [1, 1, 1], **spec(options)},
        values=moved(written.values),
        keys=moved(written.keys),
    )


def _inspected(source: Source) -> tuple[ModelSpec | None, list[Diagnostic]]:
    spec, errors = _validate(source.value)
    errors = [error for error in errors if not is_said(error, source)]
    return spec, translate(errors[:MAX_PROBLEMS], source)


def _of_any_input(layer: Layer, path: Path) -> Iterator[Diagnostic]:
    """Yield what is wrong with the options of a layer, whatever its input."""
    width = getattr(layer, layer.input_width) if layer.input_width else None
    sizes = () if layer.takes == "features" else (None, None)
    for problem in layer.problems((width, *sizes)):
        option = () if problem.option is None else (problem.option,)
        message = f"`{layer.keyword}`: {problem.message}"
        yield Diagnostic(problem.code, message, (*path, *option), help=problem.help)


def _can_be_opened(data: DataSource | None, errors: list[ErrorDetails]) -> TypeGuard[DataSource]:
    """Tell whether data is valid by itself, and more is known of it once it is opened."""
    wrong = any(error["loc"][:1] == ("data",) for error in errors)
    return data is not None and not data.known.complete and not wrong


def _validate(value: dict[str, Any]) -> tuple[ModelSpec | None, list[ErrorDetails]]:
    try:
        return ModelSpec.model_validate(value), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _first(problems: list[Diagnostic], skipped: int = 0) -> tuple[Diagnostic, ...]:
    """Sort problems, and keep as many as a person may still read."""
    problems = sorted(dict.fromkeys(problems), key=_place)
    more = skipped + max(0, len(problems) - MAX_PROBLEMS)
    if not more:
        return tuple(problems)
    message = f"{more:,} more problems are not shown; mend these first"
    return *problems[:MAX_PROBLEMS], Diagnostic("too-many-problems", message)


def _place(problem: Diagnostic) -> tuple[bool, int, int]:
    """Return where a problem comes: those of `--set` first, then those of the file, by line."""
    at = problem.location
    return (at.file != "--set", *_position(at)) if at else (False, 0, 0)


def _position(at: Location) -> tuple[int, int]:
    return at.line, at.column


def _located(problem: Diagnostic, source: Source) -> Diagnostic:
    path = problem.path
    for changed in source.overridden:
        if changed[: len(path)] == path and changed != path:
            path = changed  # a part of what is wrong was set
    is_name = path == ("layers",) or bool(kinds_at(path[:-1]))
    return dataclasses.replace(problem, location=source.locate(path, key=is_name))
