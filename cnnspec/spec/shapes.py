"""Names and shapes along a chain of layers, and every problem on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cnnspec.errors import ShapeError
from cnnspec.spec.diagnostics import Diagnostic
from cnnspec.spec.layers import Layer
from cnnspec.spec.sizes import Shape, show


@dataclass(frozen=True)
class PlacedLayer:
    """A layer with its name and what flows in and out of it, without the batch."""

    name: str
    layer: Layer
    input: Shape
    output: Shape


def layer_names(layers: Iterable[tuple[str | None, str | None]]) -> list[str]:
    """Name layers, given (kind, written name) of each: kind + number unless written."""
    counts: Counter[str] = Counter()
    names = []
    for kind, written in layers:
        counts[kind or "layer"] += 1
        names.append(written or f"{kind or 'layer'}{counts[kind or 'layer']}")
    return names


def place_layers(
    input: Shape | None, layers: Sequence[Layer | None], kinds: Sequence[str | None]
) -> tuple[list[PlacedLayer], list[Diagnostic]]:
    """Name every layer and infer every shape.

    A layer that is not valid is None: what it gives is unknown, and so is what
    follows, up to the next layer whose output does not depend on its input.
    Problems come with paths, but without places.
    """
    written = [layer.name if layer else None for layer in layers]
    names = layer_names(zip(kinds, written))
    problems = _duplicates(names, kinds)
    placed = []
    shape = input
    for index, (name, layer) in enumerate(zip(names, layers)):
        if layer is None:
            shape = None
        elif shape is None:
            shape = layer.known_output()
        else:
            try:
                output = layer.output_shape(shape)
            except ShapeError as error:
                option = () if error.option is None else (error.option,)
                path = ("layers", index, layer.keyword, *option)
                message = f"{name}: {error.message}"
                problems.append(Diagnostic("shape", message, path, help=error.help))
                shape = layer.known_output()
            else:
                placed.append(PlacedLayer(name, layer, shape, output))
                shape = output
    if shape is not None and len(shape) != 1 and layers:
        problems.append(
            Diagnostic(
                "no-logits",
                f"{names[-1]}: the last layer gives images of {show(shape)}, "
                "but logits are wanted: one number for each class",
                ("layers", len(layers) - 1),
                help="end with `- flatten` and `- linear: {out_features: ...}`",
            )
        )
    return placed, problems


def _duplicates(names: Sequence[str], kinds: Sequence[str | None]) -> list[Diagnostic]:
    problems = []
    first: dict[str, int] = {}
    for index, (name, kind) in enumerate(zip(names, kinds)):
        if name in first:
            path = ("layers", index, kind or "", "name")
            message = f"two layers are named `{name}`: number {first[name] + 1} and {index + 1}"
            problems.append(Diagnostic("duplicate-name", message, path, help="rename one of them"))
        first.setdefault(name, index)
    return problems
