"""docs/reference/kinds.md, written from the rooms of the spec: what each kind says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain

import cnnspec
from cnnspec.plan import PlannedLayer, part
from cnnspec.spec.composites import COMPOSITES, Composite
from cnnspec.spec.data import DATA_KINDS, DataSource, Normalize
from cnnspec.spec.initializations import INITIALIZATIONS, Initialization
from cnnspec.spec.layers import JOINS, KINDS, Join, Layer
from cnnspec.spec.limits import Limits
from cnnspec.spec.losses import LOSSES
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import OPTIMIZERS, Optimizer
from cnnspec.spec.schema_words import paragraphs
from cnnspec.spec.section import Kind, Section
from cnnspec.spec.sizes import show
from cnnspec.spec.training import Training
from tests import rooms
from tests.docs import elsewhere, options
from tests.docs.elsewhere import joined, listed
from tests.docs.examples import (
    FEATURES,
    IMAGES,
    LAYERS,
    Place,
    choices,
    example,
    example_layer,
    example_plan,
    fragment,
    is_chosen,
    planned,
)
from tests.docs.pages import ROOT, anchor

PAGE = ROOT / "docs" / "reference" / "kinds.md"

HEAD = """\
# Kinds and options

All that a spec can say, word by word. [The spec](spec.md) shows how it is put together.

<!-- Written by `make golden`. Do not edit. -->

Each kind has the shortest example that is valid, and its options: what they take, and what they
are where they are left out. A name that another tool has for something is not written in a spec:
`cnnspec validate` answers it with the name that stands here.
"""

JUDGED = {*KINDS, *JOINS, *LOSSES, *OPTIMIZERS}
"""What the referee knows faults of."""


@dataclass(frozen=True)
class Table:
    """Kinds that stand in one place."""

    title: str
    intro: str
    kinds: Mapping[str, type[Kind]]
    base: type[Kind]
    place: Place = ()
    """Nowhere: a spec does not write them."""

    @property
    def shared(self) -> list[str]:
        """Options that all its kinds have alike, and are told of once."""
        kinds = self.kinds.values() if is_chosen(self.place) else ()
        return [
            option
            for option, field in self.base.model_fields.items()
            if kinds
            and not field.is_required()
            and all(kind.model_fields[option].default == field.default for kind in kinds)
        ]


TABLES = (
    Table(
        "Layers",
        "A layer stands in `layers`, or in a list of a block. Shapes leave out the batch: they are "
        "channels x height x width, or features.",
        KINDS,
        Layer,
        LAYERS,
    ),
    Table(
        "Blocks",
        "A block stands where a layer may, and holds layers and blocks.",
        COMPOSITES,
        Composite,
        LAYERS,
    ),
    Table(
        "Joins",
        "Where the branches of a block meet, the plan has a layer of its own, called after the "
        "block and the join. A spec does not write it.",
        JOINS,
        Join,
    ),
    Table("Losses", "What training makes small.", LOSSES, Kind, ("training", "loss")),
    Table(
        "Optimizers",
        "What makes steps of gradients.",
        OPTIMIZERS,
        Optimizer,
        ("training", "optimizer"),
    ),
    Table(
        "Initializations",
        "What the weights start from.",
        INITIALIZATIONS,
        Initialization,
        ("initialization",),
    ),
    Table("Data", "What a network is trained on.", DATA_KINDS, DataSource, ("data",)),
)

SECTIONS: Mapping[str, type[Section]] = {
    "The spec itself": ModelSpec,
    "training": Training,
    "limits": Limits,
    "normalize": Normalize,
}
"""What has options, and no kind."""

LINKS = {
    "layer": "[layers](#layers) and [blocks](#blocks)",
    **{
        table.place[-1]: f"[a kind](#{anchor(table.title)})"
        for table in TABLES
        if table.place != LAYERS and is_chosen(table.place)
    },
    **{section.__name__: f"[options](#{anchor(title)})" for title, section in SECTIONS.items()},
}
"""What is said of what stands elsewhere on the page, by its name in the JSON schema."""


@cache
def page() -> str:
    """Write the page."""
    parts = [HEAD.rstrip(), _contents()]
    for table in TABLES:
        parts += [f"## {table.title}", table.intro]
        if table.place and not is_chosen(table.place):
            parts += ["There is one kind: a spec does not choose it."]
        if table.shared:
            anyone = next(iter(table.kinds.values()))
            parts += ["All of them take:", options.table(anyone, table.shared, LINKS)]
        for word, kind in table.kinds.items():
            parts += [f"### {word}", *_told(kind, table)]
    parts += ["## Sections", "What stands around the kinds."]
    for title, section in SECTIONS.items():
        parts += [f"### {title}", paragraphs(section.__doc__)]
        parts += [options.table(section, [*section.model_fields], LINKS)]
    return "\n\n".join(parts) + "\n"


def _contents() -> str:
    lines = [f"- {table.title}: {_links(table.kinds)}" for table in TABLES]
    return "\n".join([*lines, f"- Sections: {_links(SECTIONS)}"])


def _links(titles: Iterable[str]) -> str:
    return ", ".join(f"[{title}](#{anchor(title)})" for title in titles)


def _told(kind: type[Kind], table: Table) -> Iterator[str]:
    yield paragraphs(kind.__doc__)
    if is_chosen(table.place):
        yield f"```yaml\n{fragment(table.place, example(kind))}```"
    yield from _does(kind)
    if kind.__name__ in cnnspec.__all__:
        yield f"In Python: [`{kind.__name__}`](python.md#{kind.__name__.lower()})"
    own = [option for option in kind.model_fields if option not in table.shared]
    if own and is_chosen(table.place):
        yield options.table(kind, own, LINKS)
    yield from elsewhere.names(kind)
    if kind.keyword in JUDGED:
        yield f"[What people get wrong in it](causes.md#faults-of-{kind.keyword})"


# What a kind does in its example


def _does(kind: type[Kind]) -> Iterator[str]:
    if issubclass(kind, Join):
        yield _joined(kind)
    elif issubclass(kind, Layer):
        layer = example_layer(kind)
        shapes = [shape for shape in (IMAGES, FEATURES) if not [*layer.problems(shape)]]
        yield from (_turned(*part(layer, "layer", shape).layers) for shape in shapes)
    elif issubclass(kind, Composite):
        *layers, _ = example_plan(kind).layers
        lines = [f"- `{at.name}` reads {listed(at.inputs)}: {show(at.output)}" for at in layers]
        yield "\n".join([f"For images of {show(IMAGES)}, the plan of the example has", "", *lines])
    elif issubclass(kind, Optimizer):
        yield _slots(kind)
    elif issubclass(kind, DataSource) and kind.known.complete:
        known = kind.known
        yield f"{known.train_images:,} images to train on, {known.test_images:,} to test on."


def _turned(at: PlannedLayer) -> str:
    given = f"images of {show(at.input)}" if len(at.input) == 3 else f"{show(at.input)} features"
    told = f"The example turns {given} into {show(at.output)}."
    for what, arrays in (("learns", at.parameters), ("keeps", at.buffers)):
        if arrays:
            shown = [f"`{name}` ({show(shape)})" for name, shape in arrays.items()]
            told += f" It {what} {joined(shown)}."
    return told


def _slots(kind: type[Optimizer]) -> str:
    """Say what an optimizer keeps, in some of its settings or in all."""
    kept = [case.slots for case in rooms.OPTIMIZERS[kind.keyword].cases.values()]
    slots = dict.fromkeys(chain.from_iterable(kept))
    verb = "keeps" if {*map(len, kept)} == {len(slots)} else "may keep"
    return f"It {verb} {listed(slots) or 'nothing'} of each parameter."


def _joined(kind: type[Join]) -> str:
    (at,) = part(kind(), "layer", IMAGES, IMAGES).layers
    ends = [
        f"`{written}`"
        for block in COMPOSITES.values()
        for written in choices(block)
        if kind.keyword in {each.kind for each in planned(block, LAYERS, written).layers}
    ]
    return f"It ends {joined(ends)}. Of two inputs of {show(IMAGES)} it makes {show(at.output)}."
