"""Names and shapes of the layers that a tree of entries comes to, and every problem on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from cnnspec.errors import ShapeError
from cnnspec.spec.composites import Composite, count_layers
from cnnspec.spec.composites.composite import Activation, Way
from cnnspec.spec.composites.fitting import replaced, to_features
from cnnspec.spec.diagnostics import Diagnostic, Path
from cnnspec.spec.field import keeps_shape
from cnnspec.spec.layers import Join, Layer
from cnnspec.spec.layers.layer import INPUT, is_whole
from cnnspec.spec.layers.window import arithmetic
from cnnspec.spec.sizes import PartialShape, Shape, held, is_known, show


@dataclass(frozen=True)
class Unknown:
    """An entry of no kind that there is: what it gives is not known."""

    keyword: str | None
    """What is written in the place of the kind."""
    name: None = None


Entry = Layer | Composite | Unknown
"""What stands in a list of layers, valid or not."""


@dataclass(frozen=True)
class PlacedLayer:
    """A layer with its name and what flows in and out of it, without the batch."""

    path: Path
    """Where it is written, down to its kind; of a join, the block that it ends."""
    name: str
    layer: Layer
    inputs: tuple[str, ...]
    """Names of the layers that it reads, or INPUT."""
    input_shapes: tuple[Shape, ...]
    output: Shape

    @property
    def input(self) -> Shape:
        """What a layer of one input receives; of a join, its first input."""
        return self.input_shapes[0]


@dataclass(frozen=True)
class Placed:
    """The layers that a spec comes to, in order of execution."""

    layers: list[PlacedLayer]
    """Those whose shapes are known."""
    output: PartialShape | None
    """What the last layer gives, as far as it is known."""
    problems: list[Diagnostic]
    """With paths, but without places."""


def layer_names(layers: Iterable[tuple[str | None, str | None]]) -> list[str]:
    """Name the entries of a list, given (kind, written name) of each: kind + number by default."""
    counts: Counter[str] = Counter()
    names = []
    for kind, written in layers:
        counts[kind or "layer"] += 1
        names.append(written or f"{kind or 'layer'}{counts[kind or 'layer']}")
    return names


def place_layers(input: PartialShape | None, entries: Sequence[Entry]) -> Placed:
    """Name every layer and infer every shape, as far as they are known.

    Whether an entry of an unknown kind gives images or features is unknown, and so is what
    follows, up to the next layer that tells.
    """
    placer = _Placer()
    trail = (f"{INPUT} {show(input)}",) if input else ()
    shape = placer.run(entries, ("layers",), "", Activation(INPUT, held(input), trail)).shape
    return Placed(placer.layers, shape, placer.problems)


def not_logits(entries: Sequence[Entry], output: PartialShape, code: str) -> Diagnostic:
    """Say that the last layer gives images, and that a loss takes logits."""
    names = layer_names((entry.keyword, entry.name) for entry in entries)
    rest, before = ", but logits are wanted: one number for each class", ""
    if code == "ends-in-images":
        rest, before = "; it can be built, but no loss takes them", "to train it, "
    return Diagnostic(
        code,
        f"{names[-1]}: the last layer gives images of {show(output)}{rest}",
        ("layers", len(entries) - 1, entries[-1].keyword or ""),
        help=f"{before}end with `- flatten` and `- linear: {{out_features: ...}}`",
    )


_SHOWN = 4
"""How many of the last shapes are shown with a problem."""

_TRIED = 200
"""Layers of a branch for which a way out is still searched."""


_Told = tuple[str, Path]
"""A problem: its code and its path."""

_WAYS = 12
"""Ways out that are tried in all repetitions of a block."""


@dataclass(frozen=True)
class _Repetition:
    """One of a repeat."""

    number: int
    times: int
    name: str
    """Of the repeat."""

    def __str__(self) -> str:
        return f"in repetition {self.number + 1} of {self.times} of {self.name}"


@dataclass(frozen=True)
class _Repeated:
    """The outermost block around that comes several times: what is offered fits in all of it."""

    block: Composite
    path: Path
    name: str
    input: Activation

    def fits_with(self, path: Path, entry: Entry, problem: _Told) -> bool:
        """Tell whether an entry in the place of another leaves no problem, and brings none."""
        steps = path[len(self.path) :]
        before = self._problems(self.block, path) - {problem}
        return self._problems(replaced(self.block, steps, entry), path) <= before

    def _problems(self, block: Composite, path: Path) -> set[_Told]:
        """Return what is wrong at a path in any repetition, and below it."""
        placer = _Placer(offers=False)
        _BlockPlacer(placer, block, self.path, self.name, self.input).place()
        found = ((each.code, each.path) for each in placer.problems)
        return {each for each in found if each[1][: len(path)] == path}


@dataclass
class _Placer:
    """Places entries one after the other, and the branches of blocks."""

    offers: bool = True
    """Whether a way out is searched where branches do not fit."""
    layers: list[PlacedLayer] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    told: frozenset[_Told] = frozenset()
    """Problems that earlier repetitions have."""
    repetitions: tuple[_Repetition, ...] = ()
    """Which ones of the repeats around are placed now, where it is not the first."""
    repeated: _Repeated | None = None
    """The outermost repeat around."""

    def run(
        self, entries: Sequence[Entry], path: Path, prefix: str, input: Activation
    ) -> Activation:
        """Place entries one after the other, and return what the last one gives."""
        names = layer_names((entry.keyword, entry.name) for entry in entries)
        self._find_duplicates(entries, names, path)
        activation = input
        for index, (name, entry) in enumerate(zip(names, entries)):
            at = (*path, index, entry.keyword or "")
            if isinstance(entry, Composite):
                before = activation
                activation = _BlockPlacer(self, entry, at, prefix + name, before).place()
                activation = replace(
                    activation, trail=_after(before, prefix + name, activation.shape)
                )
            else:
                activation = self._place(entry, at, prefix + name, activation)
        return activation

    def _place(
        self, entry: Layer | Unknown, path: Path, name: str, input: Activation
    ) -> Activation:
        shape = input.shape
        if isinstance(entry, Unknown):
            output = shape if keeps_shape(entry.keyword or "") else None
            return Activation(name, output, _after(input, name, output))
        output = entry.outline(shape)
        if shape is not None:
            problems = [*entry.problems(shape)]
            for problem in problems:
                self._report_misfit(problem, path, name, input, entry)
            if is_known(shape) and is_known(output) and is_whole(entry) and not problems:
                placed = PlacedLayer(path, name, entry, (input.source,), (shape,), output)
                self.layers.append(placed)
        return Activation(name, held(output), _after(input, name, output))

    def _report_misfit(
        self, problem: ShapeError, path: Path, name: str, input: Activation, layer: Layer
    ) -> None:
        option = () if problem.option is None else (problem.option,)
        trail = input.trail
        before = trail if len(trail) <= _SHOWN else ("...", *trail[-_SHOWN:])
        shapes = (f"shapes: {' -> '.join([*before, name])}",) if trail else ()
        message, notes = f"{name}: {problem.message}", (*problem.notes, *shapes)
        place = (*path, *option)
        way_out = problem.help
        if self.offers and self.repeated and not self.is_told(problem.code, place):
            way_out = self._in_all_repetitions(problem, place, path, layer, self.repeated)
        self.report(Diagnostic(problem.code, message, place, help=way_out, notes=notes))

    def _in_all_repetitions(
        self, problem: ShapeError, place: Path, path: Path, layer: Layer, repeated: _Repeated
    ) -> str:
        """Return what helps a layer in all repetitions around."""
        took_images = repeated.input.shape and len(repeated.input.shape) == 3
        if problem.code == "not-an-image" and took_images:
            return (
                f"move `{to_features().keyword}` behind `{repeated.name}`, whose layers come again"
            )
        fit = [
            said
            for said, options in problem.ways
            if repeated.fits_with(path, layer.model_copy(update={**options}), (problem.code, place))
        ]
        if fit:
            return ", or ".join(fit)
        return self.change_of_shape() if problem.ways or self.repetitions else problem.help

    def change_of_shape(self) -> str:
        """Say what to do where a repetition does not fit as another does."""
        names = [each.name for each in self.repetitions]
        name = names[-1] if names else self.repeated.name if self.repeated else ""
        return (
            f"have the layers of `{name}` give the shape that they take, or write them out, "
            "one repetition after the other"
        )

    def report(self, problem: Diagnostic) -> None:
        """Keep a problem, unless an earlier repetition has it."""
        if not self.is_told(problem.code, problem.path):
            notes = (*map(str, self.repetitions), *problem.notes)
            self.problems.append(replace(problem, notes=notes))

    def is_told(self, code: str, path: Path) -> bool:
        """Tell whether an earlier repetition has a problem."""
        return (code, path) in self.told

    def _find_duplicates(self, entries: Sequence[Entry], names: Sequence[str], path: Path) -> None:
        first: dict[str, int] = {}
        for index, (name, entry) in enumerate(zip(names, entries)):
            if name in first:
                where = (*path, index, entry.keyword or "", "name")
                message = f"two layers are named `{name}`: number {first[name] + 1} and {index + 1}"
                if not entry.name or not entries[first[name]].name:
                    message += "; one has this name by default"
                self.report(Diagnostic("duplicate-name", message, where, help="rename one of them"))
            first.setdefault(name, index)


class _BlockPlacer:
    """Places what stands in a block: see `BlockPlacer`."""

    def __init__(
        self, placer: _Placer, block: Composite, path: Path, name: str, input: Activation
    ) -> None:
        self.placer = placer
        self.block = block
        self.path = path
        self.name = name
        self.input = input
        self.only_tries = not placer.offers
        self.start = len(placer.problems), len(placer.layers)

    def place(self) -> Activation:
        """Lay the block out, and return what it gives."""
        return self.block.place(self, self.input)

    def run(
        self,
        steps: tuple[str | int, ...],
        entries: Sequence[Entry] | None,
        input: Activation,
        *,
        number: int = 0,
        times: int = 1,
    ) -> Activation:
        if entries is None:
            return Activation(self.name, None)
        placer = self.placer
        around = placer.told, placer.repetitions, placer.repeated
        if times > 1 and placer.repeated is None:
            placer.repeated = _Repeated(self.block, self.path, self.name, self.input)
        if number:
            earlier = placer.problems[self.start[0] :]
            placer.told |= {(problem.code, problem.path) for problem in earlier}
            again = _Repetition(number, times, self.name)
            placer.repetitions = (*placer.repetitions, again)
        prefix = f"{self.name}.{self.block.label(steps, number)}."
        activation = placer.run(entries, (*self.path, *steps), prefix, input)
        placer.told, placer.repetitions, placer.repeated = around
        return activation

    def join(
        self,
        join: Join,
        branches: Sequence[Activation],
        misfit: Callable[[Sequence[PartialShape]], ShapeError],
    ) -> Activation:
        placer, name = self.placer, f"{self.name}.{join.keyword}"
        shapes = [branch.shape for branch in branches]
        output = join.join_outline(shapes)
        known = [shape for shape in shapes if shape is not None]
        if len(known) == len(shapes):
            problems = [] if self._follows(known) else [*join.join_problems(known)]
            if problems and placer.offers and not placer.is_told(problems[0].code, self.path):
                self._report(misfit(known))
            elif problems:
                self._report(problems[0])
            given = tuple(shape for shape in known if is_known(shape))
            if not problems and len(given) == len(known) and is_known(output):
                inputs = tuple(branch.source for branch in branches)
                placer.layers.append(PlacedLayer(self.path, name, join, inputs, given, output))
        return Activation(name, held(output))

    def _follows(self, shapes: Sequence[PartialShape]) -> bool:
        """Tell whether images meet features since a layer in a branch does not take its input."""
        found = {(problem.code, problem.path) for problem in self.placer.problems}
        wrong = any(
            code in ("not-features", "not-an-image") and path[: len(self.path)] == self.path
            for code, path in found | self.placer.told
        )
        return wrong and len({*map(len, shapes)}) > 1

    def _report(self, problem: ShapeError) -> None:
        message, notes = f"{self.name}: {problem.message}", (*problem.notes, *self._changes())
        self.placer.report(
            Diagnostic(problem.code, message, self.path, help=problem.help, notes=notes)
        )

    def _changes(self) -> list[str]:
        """Say how the last layers of the block that change the height or the width come to it."""
        inside = self.placer.layers[self.start[1] :]
        lines = [
            f"{at.name}: {line}"
            for at in inside
            for line in arithmetic(at.layer.windows(), at.input[1:])
        ]
        return lines[-_SHOWN:]

    def offer(self, ways: Iterator[Way], otherwise: str) -> str:
        placer = self.placer
        found = [*islice(ways, _WAYS if placer.repeated else 1)]
        for way in found:
            told = ("branches-differ", self.path)
            if placer.repeated is None or placer.repeated.fits_with(self.path, way.block, told):
                return way.said
        return placer.change_of_shape() if found or placer.repetitions else otherwise

    def outcome(self, entries: Sequence[Entry], input: Shape) -> Shape | None:
        if count_layers(entries) > _TRIED:
            return None
        placer = _Placer(offers=False)
        shape = placer.run(entries, (), "", Activation(INPUT, input)).shape
        return shape if is_known(shape) and not placer.problems else None


def _after(input: Activation, name: str, output: PartialShape | None) -> tuple[str, ...]:
    """Return the trail behind a layer or a block."""
    if output is None:
        return ()
    if output == input.shape:
        return input.trail
    return (*input.trail[-_SHOWN:], f"{name} {show(output)}")
