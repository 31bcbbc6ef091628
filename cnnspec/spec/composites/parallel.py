"""Branches that read one input, and whose outputs are joined (Szegedy et al., 2014)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from cnnspec.errors import ShapeError
from cnnspec.spec.composites.composite import (
    Activation,
    BlockPlacer,
    Composite,
    Count,
    Way,
    assumed,
    is_nothing,
    show_branch,
)
from cnnspec.spec.composites.fitting import Branch, Change, Strides, strides_of
from cnnspec.spec.field_words import answers
from cnnspec.spec.kind_words import Words
from cnnspec.spec.layers import JOINS, Join
from cnnspec.spec.layers.join import MIXED
from cnnspec.spec.sizes import PartialShape, Shape

if TYPE_CHECKING:
    from cnnspec.spec.composites import AnyEntry

MOST_PATHS = 64
"""More paths than any network that is known has."""


def _of_few_paths(found: Any) -> str:
    """Say what to do about a block in which nothing is joined."""
    if isinstance(found, Mapping):
        return "write a list of paths without names, as in `paths: [[...], [...]]`"
    if isinstance(found, list) and len(found) > 1:
        return ""
    if not found or not isinstance(found, list):
        return "write two paths or more, as in `paths: [[relu], []]`"
    return (
        "write a second path: an empty one, `[]`, is the input itself; layers that stand alone "
        "need no `parallel`"
    )


class Parallel(Composite):
    """Paths that all read the input; their outputs are joined in their order."""

    keyword: ClassVar[str] = "parallel"
    words: ClassVar[Words] = Words(
        answers=answers(
            "branch inception concat concatenate cat route",
            "branches whose outputs are joined are a block: `parallel: {{paths: [[...], "
            "[...]]}}`, in which an empty path is the input",
        )
        | answers(
            "dense_block denseblock",
            "each layer of it is `parallel: {{paths: [[], [...]]}}`: its input, and beside it what "
            "the layers give",
        ),
        values={
            "merge": {
                **dict.fromkeys(("sum", "plus", "+", "eltwise"), "add"),
                **dict.fromkeys(("cat", "concatenate", "join", "stack"), "concat"),
            }
        },
        guesses={"paths": "branches layers body", "merge": "mode merge_mode"},
        ways_out={
            **dict.fromkeys(
                ("axis", "dim"),
                lambda _: (
                    "leave it out: `merge: concat` joins channels, or features where paths "
                    "give features"
                ),
            ),
            "paths": _of_few_paths,
            "paths[]": lambda found: (
                "write `[]`: an empty path is the input itself" if is_nothing(found) else ""
            ),
        },
        examples={"paths": "[[...], [...]]"},
    )
    lists: ClassVar[Mapping[str, int]] = MappingProxyType({"paths": 2})

    merge: Literal["concat", "add"] = "concat"
    """`concat`: their channels, or features, one path after the other; or `add`: their sum."""
    paths: Annotated[
        Sequence[Annotated[Sequence[AnyEntry], AfterValidator(tuple)]],
        Field(min_length=2, max_length=MOST_PATHS),
        AfterValidator(tuple),
    ]
    """Each is a list of layers and blocks, one after the other; an empty one is the input."""

    def place(self, placer: BlockPlacer, input: Activation) -> Activation:
        branches = [
            placer.run(("paths", number), path, input)
            for number, path in enumerate(self.paths or ())
        ]
        if not branches or self.merge is None:
            return Activation(input.source, None)
        join = JOINS[self.merge]()

        def misfit(shapes: Sequence[PartialShape]) -> ShapeError:
            one, other = next(
                pair
                for pair in combinations(range(len(shapes)), 2)
                if [*join.join_problems([shapes[number] for number in pair])]
            )
            rule, wanted = join.rule, join.wanted
            if len(shapes[one]) != len(shapes[other]):
                rule, wanted = MIXED, "images, or all give features"
            ways = self._ways_out(placer, join, input.shape, shapes)
            return ShapeError(
                "branches-differ",
                f"{self._gives(other, shapes)}, but {self._gives(one, shapes)}: {rule}",
                help=placer.offer(ways, f"have all paths give {wanted}"),
            )

        return placer.join(join, branches, misfit)

    def layer_count(self, count: Count) -> int:
        return sum(count(path or ()) for path in self.paths or ()) + 1

    def _gives(self, number: int, shapes: Sequence[PartialShape]) -> str:
        verb = "gives" if self.paths[number] else "is the input,"
        return f"paths[{number}] {verb} {show_branch(shapes[number])}"

    def _ways_out(
        self,
        placer: BlockPlacer,
        join: Join,
        input: PartialShape | None,
        shapes: Sequence[PartialShape],
    ) -> Iterator[Way]:
        """Yield what would make paths fit to the others, those first that change least.

        Few paths are changed rather than many, and paddings, then strides, then channels.
        """
        given = assumed(input, shapes)
        if given is None:
            return
        branches = [
            Branch(path, f"paths[{number}]", lambda entries: placer.outcome(entries, given))
            for number, path in enumerate(self.paths)
        ]
        outcomes = [branch.trial(branch.entries) for branch in branches]
        known = [shape for shape in outcomes if shape]
        if len(known) < len(shapes):
            return
        if len({*map(len, known)}) > 1:
            if flat := _all_features(join, branches, known):
                yield self._with(flat, "put")
            return
        sizes = Counter(map(join.alike, known))
        strides: dict[PartialShape, frozenset[Strides]] = defaultdict(frozenset)
        for shape, has in _near(given, branches, known):
            sizes[join.alike(shape)] += 0  # a size that no path gives comes last
            strides[join.alike(shape)] |= has
        found = []
        for wanted, count in sizes.most_common():
            ways = {
                number: _way(join, replace(branch, strides=strides[wanted]), shape, wanted)
                for number, (branch, shape) in enumerate(zip(branches, known))
                if join.alike(shape) != wanted
            }
            fit = {number: way for number, way in ways.items() if way}
            if len(fit) == len(ways):
                rank = max(rank for rank, _ in fit.values())
                changes = {number: change for number, (_, change) in fit.items()}
                found.append((-count, rank, self._with(changes, "write")))
        yield from (way for *_, way in sorted(found, key=lambda each: each[:2]))

    def _with(self, changes: Mapping[int, Change], verb: str) -> Way:
        paths = [
            changes[number].entries if number in changes else path
            for number, path in enumerate(self.paths)
        ]
        said = f"{verb} {', and '.join(change.said for change in changes.values())}"
        return Way(said, self.model_copy(update={"paths": tuple(paths)}))


def _near(
    input: Shape, branches: Sequence[Branch], shapes: Sequence[Shape]
) -> Iterator[tuple[Shape, frozenset[Strides]]]:
    """Yield what paths give, as they are and with other paddings, each with strides to it."""
    for branch, shape in zip(branches, shapes):
        padded = [change.gives for change in branch.paddings()]
        for each in (shape, *padded):
            yield each, strides_of(branch.entries, input, each)


def _way(join: Join, path: Branch, gives: Shape, wanted: PartialShape) -> tuple[int, Change] | None:
    """Say what would give a path the sizes that are wanted; the less it is, the lower."""
    ranked = [path.paddings(), path.other_strides()]
    if len(wanted) == len(gives) and wanted[0] is not None:
        ranked.append(path.widths(wanted[0]))
    return next(
        (
            (rank, each)
            for rank, changes in enumerate(ranked)
            for each in changes
            if join.alike(each.gives) == wanted
        ),
        None,
    )


def _all_features(
    join: Join, branches: Sequence[Branch], shapes: Sequence[Shape]
) -> dict[int, Change]:
    """Return what would have all paths give features, where some do; nothing if nothing does."""
    changes = {
        number: change
        for number, (branch, shape) in enumerate(zip(branches, shapes))
        for change in (branch.flattened() if len(shape) > 1 else ())
    }
    given = [
        changes[number].gives if number in changes else shape for number, shape in enumerate(shapes)
    ]
    return {} if [*join.join_problems(given)] else changes
