"""An assignment: which classes are asked for, how each is found, and what it counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from cnnspec.backends.plain import LAYOUTS
from cnnspec.compare.check import KINDS
from cnnspec.spec.layers import KINDS as LAYERS
from cnnspec.spec.layers import AnyLayer
from cnnspec.spec.losses import LOSSES
from cnnspec.spec.optimizers import OPTIMIZERS, AnyOptimizer
from cnnspec.spec.section import Kind, Section

_CLASSES: Mapping[str, type[Kind]] = {**LAYERS, **LOSSES, **OPTIMIZERS}
CHECKED: Mapping[str, type[Kind]] = {kind: _CLASSES[kind] for kind in KINDS}
"""What may be asked for, by the word that an assignment writes."""

MOST_NAMES = 50
MOST_POINTS = 1e6


def _listed(value: Any) -> Any:
    """Take one name for a list of one."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise PydanticCustomError("wrong_type", "wanted a name, or a list of names")
    if not all(name.strip() for name in names):
        raise PydanticCustomError("wrong_value", "wanted a name, or a list of names")
    if len(names) > MOST_NAMES:
        raise PydanticCustomError("wrong_length", f"wanted at most {MOST_NAMES} names")
    return tuple(names)


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""One name or several; `*` and `?` stand for letters."""


def _known(layout: str) -> str:
    if layout not in LAYOUTS:
        wanted = ", ".join(f"`{name}`" for name in LAYOUTS)
        raise PydanticCustomError("wrong_value", f"wanted one of {wanted}")
    return layout


Layout = Annotated[str, AfterValidator(_known)]

Title = Annotated[str, Field(min_length=1, max_length=100)]


class Asked(Section):
    """The options of one class that is asked for."""

    name: Title | None = None
    """Its column in the table; by default its kind."""
    classes: Annotated[Names, Field(alias="class")] = ()
    """What it is called; by default, by the words that people have for its kind."""
    file: Names = ()
    """In which file of a folder it stands; by default in any."""
    points: Annotated[float, Field(gt=0, le=MOST_POINTS)] = 1.0
    """What it counts where all of it is right."""
    like: dict[str, Any] | None = None
    """Options of the layer, or optimizer, in which alone it is tried."""
    map: dict[str, str] = Field(default={})
    """What it calls something, by cnnspec's name for it."""
    arg: dict[str, Any] = Field(default={})
    """Arguments of its constructor."""
    layout: Layout | None = None
    """How its images lie; by default as the class takes them."""
    require: Names = ()
    """What it must offer; else, what it leaves out counts neither way."""
    strict: bool = False
    """Whether the command fails, too, where something that it takes was not tried."""


class Written(Section):
    """What an assignment says, beside the classes that it asks for."""

    name: Title = "assignment"
    """The title of the report."""
    file: Names = ()
    """Which files of a student's folder are read; by default all that are Python."""
    ignore: Names = ()
    """Files and folders that are no submissions."""
    layers: Annotated[list[Any], Field(min_length=1, max_length=MOST_NAMES)]
    """What is asked for."""


@dataclass(frozen=True)
class Exercise:
    """One class that every student writes."""

    kind: str
    label: str
    classes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    points: float = 1.0
    like: AnyLayer | AnyOptimizer | None = None
    of: str = ""
    """What a loss takes: `logits` or `probabilities`; empty: what it fits."""
    names: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    layout: str | None = None
    require: tuple[str, ...] = ()
    strict: bool = False


@dataclass(frozen=True)
class Assignment:
    """What a class of students is asked for."""

    name: str
    exercises: tuple[Exercise, ...]
    files: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """What can be reached."""
        return sum(exercise.points for exercise in self.exercises)
