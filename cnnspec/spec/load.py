"""Text -> ModelSpec, or SpecError with every problem that was found."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any, get_args

from pydantic import BaseModel, Tag, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from cnnspec.errors import SpecError
from cnnspec.spec.diagnostics import Diagnostic, Path, show_path
from cnnspec.spec.layers import AnyLayer
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.overrides import apply_overrides
from cnnspec.spec.section import kind_of
from cnnspec.spec.shapes import place_layers
from cnnspec.spec.source import Source, read_source


def load_spec(path: str | FilePath, *, overrides: Iterable[str] = ()) -> ModelSpec:
    """Read a spec file; `overrides` are `option=value`, as in `training.epochs=3`.

    Raises:
        SpecError: the file cannot be read, or the spec in it is not valid.
    """
    return parse_spec(read_text(path), file=str(path), overrides=overrides)


def read_text(path: str | FilePath) -> bytes:
    """Read the text of a spec file, which may be a pipe.

    Raises:
        SpecError: the file cannot be read.
    """
    try:
        return FilePath(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SpecError([Diagnostic("unreadable", f"cannot read {path}: {reason}")]) from None


def parse_spec(
    text: str | bytes, *, file: str = "<spec>", overrides: Iterable[str] = ()
) -> ModelSpec:
    """Read a spec from text; `file` is the name that problems are reported under.

    Raises:
        SpecError: the spec is not valid.
    """
    source = read_source(text, file)
    apply_overrides(source, overrides)
    problems = list(source.diagnostics)
    value = source.value
    spec = None
    if isinstance(value, dict):
        try:
            spec = ModelSpec.model_validate(value)
        except ValidationError as error:
            problems += _without_echoes([_translate(found, source) for found in error.errors()])
            problems += [_located(problem, source) for problem in _shape_problems(value)]
        else:
            kinds = [layer.keyword for layer in spec.layers]
            _, found = place_layers(spec.input, spec.layers, kinds)
            problems += [_located(problem, source) for problem in found]
    else:
        message = f"a spec is a mapping with `input` and `layers`; found {describe(value)}"
        problems.append(Diagnostic("not-a-mapping", message, (), source.locate(())))
    if problems or spec is None:
        raise SpecError(sorted(dict.fromkeys(problems), key=_place))
    return spec


def _without_echoes(problems: list[Diagnostic]) -> list[Diagnostic]:
    """Drop `x lacks kernel_size` where `kernal_size` beside it was taken for a misspelling."""
    meant = {
        (*problem.path[:-1], problem.help.removeprefix("did you mean `").removesuffix("`?"))
        for problem in problems
        if problem.code == "unknown-option"
    }
    return [
        problem
        for problem in problems
        if problem.code != "missing-option" or problem.path not in meant
    ]


def _place(problem: Diagnostic) -> tuple[bool, int, int]:
    """Return where a problem comes: those of `--set` first, then those of the file, by line."""
    at = problem.location
    return (at.file != "--set", at.line, at.column) if at else (False, 0, 0)


def _located(problem: Diagnostic, source: Source) -> Diagnostic:
    whole_layer = len(problem.path) == 3
    location = source.locate(problem.path, key=whole_layer)
    return dataclasses.replace(problem, location=location)


def _shape_problems(value: dict[str, Any]) -> list[Diagnostic]:
    """Infer the shapes of an invalid spec along those layers that are valid by themselves."""
    raw = value.get("layers")
    if not isinstance(raw, list):
        return []
    written = value.get("input")
    known = (
        isinstance(written, list)
        and len(written) == 3
        and all(type(size) is int and size > 0 for size in written)
    )
    any_layer: TypeAdapter[Any] = TypeAdapter(AnyLayer)
    layers = []
    for item in raw:
        try:
            layers.append(any_layer.validate_python(item))
        except ValidationError:
            layers.append(None)
    kinds = [kind_of(item) for item in raw]
    _, problems = place_layers(tuple(written) if known and written else None, layers, kinds)
    return problems


def _translate(details: ErrorDetails, source: Source) -> Diagnostic:
    """Say a problem that pydantic found in the words of the dialect."""
    path: Path = details["loc"]
    kind, found = details["type"], details["input"]
    context = details.get("ctx", {})
    last = str(path[-1]) if path else ""
    at = source.locate(path)
    if kind == "extra_forbidden":
        options = _options(path[:-1])
        where = f" of `{_owner(path)}`" if len(path) > 1 else ""
        return Diagnostic(
            "unknown-option",
            f"unknown option `{last}`{where}",
            path,
            source.locate(path, key=True),
            did_you_mean(last, options),
        )
    if kind == "missing" and isinstance(path[-1], int):
        message = f"`{show_path(path[:-1])}`: wanted more numbers; found {describe(found)}"
        return Diagnostic("wrong-value", message, path[:-1], source.locate(path[:-1]))
    if kind == "missing":
        where = f"`{_owner(path)}` lacks" if len(path) > 1 else "the spec lacks"
        return Diagnostic("missing-option", f"{where} `{last}`", path, at, f"add `{last}: ...`")
    if kind == "union_tag_invalid":
        kinds = context["expected_tags"].replace("'", "").split(", ")
        noun = _noun(path)
        return Diagnostic(
            "unknown-kind",
            f"unknown kind of {noun}: `{context['tag']}`",
            path,
            source.keys.get((*path, context["tag"]), at),
            did_you_mean(context["tag"], kinds),
        )
    if kind == "union_tag_not_found":
        return Diagnostic("no-kind", *_no_kind(path, found, at))
    if kind == "model_type":
        message = f"`{last}` takes a mapping of options; found {describe(found)}"
        way_out = f"write `{last}: {{...}}`, with the options {', '.join(_options(path))}"
        return Diagnostic("wrong-type", message, path, at, way_out)
    if kind in ("wrong_value", "conflict"):
        code = kind.replace("_", "-")
        shown = "" if kind == "conflict" else f"; found {describe(found)}"
        named = f"`{show_path(path)}`: " if kind == "wrong_value" else ""
        return Diagnostic(code, f"{named}{details['msg']}{shown}", path, at)
    wanted = _WANTED.get(kind, "").format(**context) or details["msg"].lower()
    return Diagnostic(
        "wrong-value", f"`{show_path(path)}`: wanted {wanted}; found {describe(found)}", path, at
    )


_WANTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "`true` or `false`",
    "string_type": "text",
    "tuple_type": "a list",
    "is_instance_of": "a list",
    "sequence_str": "a list",
    "finite_number": "a finite number",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of {ge} or more",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of {le} or less",
    "literal_error": "{expected}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "string_pattern_mismatch": "letters, digits, `.`, `_` and `-`, starting with a letter or digit",
}


def _no_kind(path: Path, found: Any, at: Any) -> tuple[str, Path, Any, str]:
    noun = _noun(path)
    article = "an" if noun[0] in "aeiou" else "a"
    if isinstance(found, Mapping) and len(found) > 1:
        first = next(iter(found))
        message = f"{article} {noun} is one key, its kind; found {', '.join(map(str, found))}"
        return message, path, at, f"indent the options under `{first}:`"
    message = f"{article} {noun} is a word or a mapping with one key; found {describe(found)}"
    return message, path, at, ""


def _noun(path: Path) -> str:
    """Name what stands at a path: `layers[2]` is a layer."""
    words = [step for step in path if isinstance(step, str)]
    word = words[-1] if words else "spec"
    return word.removesuffix("s") if path and isinstance(path[-1], int) else word


def _owner(path: Path) -> str:
    owner = path[-2]
    return str(owner) if isinstance(owner, str) else show_path(path[:-1])


def _options(path: Path) -> list[str]:
    """List the options that the section at a path has."""
    here: Any = ModelSpec
    for step in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(str(step))
            here = field.annotation if field else None
        elif not isinstance(step, int):
            here = _tagged(here, step)
        if here is None:
            return []
    sections = [here, *_parts(here)]
    for section in sections:
        if isinstance(section, type) and issubclass(section, BaseModel):
            return list(section.model_fields)
    return []


def _tagged(annotation: Any, tag: str) -> Any:
    """Find the class that a union has under a tag."""
    for part in _parts(annotation):
        if any(isinstance(extra, Tag) and extra.tag == tag for extra in get_args(part)[1:]):
            return get_args(part)[0]
    return None


def _parts(annotation: Any) -> list[Any]:
    """List the parts of a nested annotation, outermost first."""
    parts = []
    for part in get_args(annotation):
        parts += [part, *_parts(part)]
    return parts


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Offer the nearest known word, or all of them."""
    known = list(known)
    near = difflib.get_close_matches(word.lower(), known, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"known are {', '.join(known)}" if known else ""


def describe(value: Any) -> str:
    """Say what a value of a YAML file is: `"3"` (text)."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        shown = value if len(value) <= 40 else value[:40] + "..."
        return f'"{shown}" (text)'
    if isinstance(value, int | float):
        return f"`{value}`"
    if isinstance(value, Mapping):
        return "a mapping" if value else "an empty mapping"
    if not isinstance(value, list | tuple) or len(value) > 4:
        return f"a {type(value).__name__} of {len(value)}" if hasattr(value, "__len__") else "that"
    return "[" + ", ".join(describe(item).strip("`") for item in value) + "]"
