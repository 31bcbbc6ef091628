"""Text -> Assignment, or SpecError with every problem that was found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cnnspec.backends.plain import LAYOUTS
from cnnspec.backends.plain.names import ARRAYS, NAMES, nameable_options
from cnnspec.backends.plain.optimizers import nameable
from cnnspec.compare.check.offered import may_be_required
from cnnspec.compare.check.records import TAKEN_BY_A_LOSS
from cnnspec.compare.check.submissions.assignment import (
    CHECKED,
    Asked,
    Assignment,
    Exercise,
    Written,
)
from cnnspec.errors import SpecError
from cnnspec.spec.diagnostics import Diagnostic, Path, brief
from cnnspec.spec.layers import KINDS as LAYERS
from cnnspec.spec.layers import AnyLayer
from cnnspec.spec.load import inspect_layer, inspect_optimizer, read_text
from cnnspec.spec.lookalikes import narrowed
from cnnspec.spec.losses import LOSSES
from cnnspec.spec.optimizers import OPTIMIZERS, AnyOptimizer
from cnnspec.spec.section import Section, kind_of
from cnnspec.spec.source import UNREAD, Source, read_source
from cnnspec.spec.source import Written as What
from cnnspec.spec.translate import OWN_TYPES, WANTED
from cnnspec.spec.words import describe, did_you_mean, meant

ASSIGNMENT = What("an", "assignment", "cnnspec init --assignment assignment.yaml")

EXAMPLE = "layers: [conv: {class: Conv2D, points: 10}, relu: {class: ReLU, points: 5}]"
"""The least that an assignment says."""

_S = TypeVar("_S", bound=Section)


def load_assignment(path: str | FilePath) -> Assignment:
    """Read the file of an assignment.

    Raises:
        SpecError: it cannot be read, or is not valid.
    """
    return parse_assignment(read_text(path), file=str(path))


def parse_assignment(text: str | bytes, *, file: str) -> Assignment:
    """Read an assignment from text; `file` is the name that problems are reported under.

    Raises:
        SpecError: it is not valid.
    """
    source = read_source(text, file, what=ASSIGNMENT)
    return _Reader(source, [*source.diagnostics]).read()


@dataclass
class _Reader:
    source: Source
    problems: list[Diagnostic] = field(default_factory=list)

    def read(self) -> Assignment:
        value = self.source.value
        if not isinstance(value, dict):
            message = f"an assignment is a mapping with `layers`; found {describe(value)}"
            self._say("not-a-mapping", (), message, f"write `{EXAMPLE}`")
            raise SpecError(self.problems)
        written = self._section(Written, value, ())
        asked = value.get("layers")
        listed = asked if isinstance(asked, list) else []
        exercises = self._labelled([*map(self._exercise, range(len(listed)), listed)])
        if written is None or any(problem.severity == "error" for problem in self.problems):
            raise SpecError(sorted(self.problems, key=_place))
        return Assignment(written.name, exercises, written.file, written.ignore)

    def _exercise(self, number: int, value: Any) -> Exercise | None:
        """Read one entry of `layers`: a kind, or a mapping with one key, over its options."""
        path: Path = ("layers", number)
        kind = kind_of(value)
        if value is UNREAD:
            return None
        if kind is None:
            message = f"a layer is a word or a mapping with one key; found {describe(value)}"
            way_out = ""
            if isinstance(value, Mapping) and len(value) > 1:
                message = f"a layer is one key, its kind; found {brief(', '.join(value), 200)}"
                named = [key for key in value if key in CHECKED]
                way_out = (
                    f"indent the options under `{named[0]}:`"
                    if len(named) == 1
                    else "give each a dash of its own"
                )
            self._say("no-kind", path, message, way_out)
            return None
        if kind not in CHECKED:
            at = self.source.keys.get((*path, kind), self.source.locate(path))
            message = f"there is no kind called `{brief(kind)}` that a class may be checked as"
            way_out = did_you_mean(kind, CHECKED, "layer")
            problem = Diagnostic("unknown-kind", message, path, narrowed(at, kind), way_out)
            self.problems.append(problem)
            return None
        path = (*path, kind)
        options = value[kind] if isinstance(value, Mapping) else None
        asked = self._section(Asked, {} if options is None else options, path)
        return None if asked is None else self._fitting(kind, asked, path)

    def _fitting(self, kind: str, asked: Asked, path: Path) -> Exercise:
        """Hold the options against the kind."""
        like: AnyLayer | AnyOptimizer | None = None
        of = ""
        if asked.like is not None and kind in LAYERS:
            like, problems = inspect_layer(kind, self.source, (*path, "like"))
            self.problems += problems
        elif asked.like is not None and kind in OPTIMIZERS:
            like, problems = inspect_optimizer(kind, self.source, (*path, "like"))
            self.problems += problems
        elif asked.like is not None:
            of = next((of for of in TAKEN_BY_A_LOSS if asked.like == {"of": of}), "")
        if not of and asked.like is not None and kind in LOSSES:
            wanted = " or ".join(f"`{{of: {of}}}`" for of in TAKEN_BY_A_LOSS)
            self._say("wrong-value", (*path, "like"), f"`like` of {kind}: wanted {wanted}")
        if asked.layout is not None and kind not in LAYERS:
            message = f"`layout` of {kind}: only layers have one"
            self._say("unknown-option", (*path, "layout"), message, "leave it out", key=True)
        known = _nameable(kind)
        for name in asked.map:
            if name not in known:
                message = f"`map`: {kind} has nothing called `{brief(name)}`"
                way_out = did_you_mean(name, known)
                self._say("unknown-option", (*path, "map", name), message, way_out, key=True)
        required = may_be_required(kind)
        for name in asked.require:
            if name not in required:
                message = f"`require`: {kind} has nothing called `{brief(name)}`"
                self._say(
                    "unknown-option", (*path, "require"), message, did_you_mean(name, required)
                )
        return Exercise(
            kind,
            asked.name or "",
            asked.classes,
            asked.file,
            asked.points,
            like,
            of,
            asked.map,
            asked.arg,
            asked.layout,
            asked.require,
            asked.strict,
        )

    def _labelled(self, exercises: Sequence[Exercise | None]) -> tuple[Exercise, ...]:
        """Name the columns of the table: two of one kind by their numbers."""
        found: list[Exercise] = []
        numbers = Counter(each.kind for each in exercises if each)
        counted: Counter[str] = Counter()
        for number, exercise in enumerate(exercises):
            if exercise is None:
                continue
            kind = exercise.kind
            counted[kind] += 1
            label = exercise.label or (f"{kind} {counted[kind]}" if numbers[kind] > 1 else kind)
            if label in (each.label for each in found):
                message = f"two layers are called `{brief(label)}`"
                path: Path = ("layers", number, kind, *(["name"] if exercise.label else []))
                self._say("duplicate-name", path, message, "give each a `name:` of its own")
            found.append(replace(exercise, label=label))
        return tuple(found)

    def _section(self, section: type[_S], value: Any, path: Path) -> _S | None:
        """Validate a section that stands at a path, and say what is wrong with it."""
        try:
            return section.model_validate(value)
        except ValidationError as error:
            errors = error.errors(include_url=False)
            unknown = [each["loc"][-1] for each in errors if each["type"] == "extra_forbidden"]
            misspelt = {(meant(str(word), _options(section)),) for word in unknown}
            for each in errors:
                is_said = each["input"] is UNREAD or each["loc"] in misspelt
                if not is_said:
                    self._translate(section, each, path)
        return None

    def _translate(self, section: type[Section], error: ErrorDetails, path: Path) -> None:
        options = _options(section)
        place: Path = (*path, *error["loc"])
        owner = f"`{path[-1]}`" if path else "the assignment"
        match error["type"], error["input"]:
            case "extra_forbidden", _:
                last = str(place[-1])
                at = narrowed(self.source.locate(place, key=True), last)
                message = f"{owner} has no option `{brief(last)}`"
                way_out = did_you_mean(last, options)
                self.problems.append(Diagnostic("unknown-option", message, place, at, way_out))
            case "missing", _:
                message = f"{owner} lacks `{place[-1]}`"
                self._say("missing-option", place, message, f"write `{EXAMPLE}`")
            case (("model_type" | "model_attributes_type"), found):
                message = f"{owner} takes a mapping of options; found {describe(found)}"
                way_out = f"write `{path[-1]}: {{...}}`, with the options {', '.join(options)}"
                self._say("wrong-type", place, message, way_out)
            case kind, found:
                code, wanted = WANTED.get(kind, ("wrong-value", error["msg"].lower()))
                said = f"wanted {wanted.format(**error.get('ctx', {}))}".replace("'", "`")
                if kind in OWN_TYPES:
                    code, said = kind.replace("_", "-"), error["msg"]
                named = f"`{error['loc'][0]}` of {owner}"
                message = f"{named}: {said}; found {describe(found)}"
                self._say(code, place, message, _way_out(found, place))

    def _say(
        self, code: str, path: Path, message: str, help: str = "", *, key: bool = False
    ) -> None:
        at = self.source.locate(path, key=key)
        self.problems.append(Diagnostic(code, message, path, at, help))


def _options(section: type[Section]) -> list[str]:
    return [each.alias or name for name, each in section.model_fields.items()]


def _way_out(found: Any, path: Path) -> str:
    """Say what to write instead of a value, where that is near."""
    if path == ("layers",) and isinstance(found, Mapping):
        return "put a dash before each kind: `- conv: {class: Conv2D}`"
    if isinstance(found, str) and path[-1] == "layout" and (near := meant(found, LAYOUTS)):
        return f"write `{near}`"
    if path[-1] == "points" and isinstance(found, str) and re.fullmatch(r"[0-9]{1,6}", found):
        return f"write `{found}` without quotes"
    return ""


def _nameable(kind: str) -> list[str]:
    """Return what of a kind may have another name in a class."""
    if kind in OPTIMIZERS:
        return nameable(OPTIMIZERS[kind])
    others = {option for layer in LAYERS.values() for option in nameable_options(layer)}
    own = {*ARRAYS, *CHECKED[kind].model_fields}
    if kind in LAYERS:
        own |= {*nameable_options(LAYERS[kind])}
    return sorted(NAMES - (others - own))


def _place(problem: Diagnostic) -> tuple[int, int]:
    at = problem.location
    return (at.line, at.column) if at else (0, 0)
