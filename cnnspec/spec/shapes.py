"""Names and shapes along a chain of layers, and every problem on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from cnnspec.errors import ShapeError
from cnnspec.spec.diagnostics import Diagnostic
from cnnspec.spec.field import keeps_shape
from cnnspec.spec.layers import Layer
from cnnspec.spec.layers.layer import INPUT, is_whole
from cnnspec.spec.sizes import PartialShape, Shape, show


@dataclass(frozen=True)
class PlacedLayer:
    """A layer with its name and what flows in and out of it, without the batch."""

    index: int
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
class Chain:
    """The layers of a spec, one after the other."""

    layers: list[PlacedLayer]
    """Those whose shapes are known."""
    output: PartialShape | None
    """What the last layer gives, as far as it is known."""
    problems: list[Diagnostic]
    """With paths, but without places."""


def layer_names(layers: Iterable[tuple[str | None, str | None]]) -> list[str]:
    """Name layers, given (kind, written name) of each: kind + number unless written."""
    counts: Counter[str] = Counter()
    names = []
    for kind, written in layers:
        counts[kind or "layer"] += 1
        names.append(written or f"{kind or 'layer'}{counts[kind or 'layer']}")
    return names


def place_layers(
    input: PartialShape | None, layers: Sequence[Layer | None], kinds: Sequence[str | None]
) -> Chain:
    """Name every layer and infer every shape, as far as they are known.

    A layer of an unknown kind is None: whether it gives images or features is unknown, and
    so is what follows, up to the next layer that tells.
    """
    written = [layer.name if layer else None for layer in layers]
    names = layer_names(zip(kinds, written))
    placed = []
    problems = _duplicates(names, kinds, written)
    trail = [f"input {show(input)}"] if input else []
    shape = input
    for index, (name, layer) in enumerate(zip(names, layers)):
        reads = names[index - 1] if index else INPUT
        output = (
            layer.outline(shape) if layer else shape if keeps_shape(kinds[index] or "") else None
        )
        if layer and shape is not None:
            found = [_at(index, name, layer, error, trail) for error in layer.problems(shape)]
            problems += found
            if is_known(shape) and is_known(output) and is_whole(layer) and not found:
                placed.append(PlacedLayer(index, name, layer, (reads,), (shape,), output))
        if output is None:
            trail = []
        elif output != shape:
            trail = [*trail[-_SHOWN:], f"{name} {show(output)}"]
        shape = output
    if shape is not None and len(shape) != 1 and layers:
        problems.append(
            Diagnostic(
                "no-logits",
                f"{names[-1]}: the last layer gives images of {show(shape)}, "
                "but logits are wanted: one number for each class",
                ("layers", len(layers) - 1, kinds[-1] or ""),
                help="end with `- flatten` and `- linear: {out_features: ...}`",
            )
        )
    return Chain(placed, shape, problems)


_SHOWN = 4
"""How many of the last shapes are shown with a problem."""


def is_known(shape: PartialShape | None) -> TypeGuard[Shape]:
    """Tell whether every size of a shape is known."""
    return shape is not None and None not in shape


def _at(index: int, name: str, layer: Layer, error: ShapeError, trail: Sequence[str]) -> Diagnostic:
    option = () if error.option is None else (error.option,)
    before = trail if len(trail) <= _SHOWN else ["...", *trail[-_SHOWN:]]
    shapes = (f"shapes: {' -> '.join([*before, name])}",) if trail else ()
    return Diagnostic(
        error.code,
        f"{name}: {error.message}",
        ("layers", index, layer.keyword, *option),
        help=error.help,
        notes=(*error.notes, *shapes),
    )


def _duplicates(
    names: Sequence[str], kinds: Sequence[str | None], written: Sequence[str | None]
) -> list[Diagnostic]:
    problems = []
    first: dict[str, int] = {}
    for index, (name, kind) in enumerate(zip(names, kinds)):
        if name in first:
            path = ("layers", index, kind or "", "name")
            message = f"two layers are named `{name}`: number {first[name] + 1} and {index + 1}"
            if not written[index] or not written[first[name]]:
                message += "; one has this name by default"
            problems.append(Diagnostic("duplicate-name", message, path, help="rename one of them"))
        first.setdefault(name, index)
    return problems
