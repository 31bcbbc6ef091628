"""What no machine holds, refused before anything is allocated."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterator, Sequence

from cnnspec.spec.amounts import in_bytes, in_words
from cnnspec.spec.composites import count_layers
from cnnspec.spec.diagnostics import Diagnostic
from cnnspec.spec.limits import MOST, MOST_LAYERS
from cnnspec.spec.sections import Sections
from cnnspec.spec.shapes import Placed, PlacedLayer
from cnnspec.spec.sizes import show
from cnnspec.spec.training import Training


def too_many_layers(sections: Sections) -> Iterator[Diagnostic]:
    """Refuse more layers than are meant, before they are placed."""
    limit: int | None = sections.limits.layers if sections.limits else None
    counts = [count_layers([entry]) for entry in sections.layers]
    count = sum(counts)
    if limit is None or count <= limit:
        return
    lift = f", or lift the limit with `limits: {{layers: {count}}}`" if count <= MOST_LAYERS else ""
    large = counts.index(max(counts))
    here = (large, sections.layers[large].keyword or "") if counts[large] > limit else ()
    yield Diagnostic(
        "too-many-layers",
        f"the network has {in_words(count)} layers; the limit is {limit:,}",
        ("layers", *here),
        help=f"make the network smaller{lift}",
    )


def too_many_numbers(sections: Sections, placed: Placed) -> Iterator[Diagnostic]:
    """Refuse what no machine holds, before anything is allocated."""
    training, limits = sections.training, sections.limits
    if training is None or limits is None:
        return
    images = _images_of_a_batch(sections, training)
    number = 8 if training.precision == "float64" else 4
    parameters = [(at, _parameter_count(at)) for at in placed.layers]
    activations = [(at, images * math.prod(at.output)) for at in placed.layers]
    given = images * math.prod(sections.input or ())
    if given > limits.activations:
        yield Diagnostic(
            "too-many-activations",
            f"a batch of {images:,} images alone is {in_words(given)} numbers, "
            f"{in_bytes(given * number)}; the limit is {in_words(limits.activations)}",
            ("input",),
            help="make the images or `batch_size` smaller"
            + _lift("activations", given + sum(count for _, count in activations)),
        )
        activations = []
    beyond, whole = _passes(activations, limits.activations)
    if whole > MOST:
        parameters = parameters[: beyond + 1]  # those behind hang on what has to be smaller anyway
    for what, counts, limit in (
        ("parameters", parameters, limits.parameters),
        ("activations", activations, limits.activations),
    ):
        beyond, whole = _passes(counts, limit)
        if whole <= limit:
            continue
        at, total = counts[beyond][0], sum(count for _, count in counts[: beyond + 1])
        inputs = " and ".join(map(show, at.input_shapes))
        batch = f" in a batch of {images:,}" if what == "activations" else ""
        yield Diagnostic(
            f"too-many-{what}",
            f"{at.name} brings the network to {in_words(total)} {what}{batch}, "
            f"{in_bytes(total * number)}; the limit is {in_words(limit)}",
            at.path,
            notes=(f"{at.name}: {inputs} -> {show(at.output)}",),
            help=f"make it smaller{_lift(what, whole)}",
        )


def _passes(counts: Sequence[tuple[PlacedLayer, int]], limit: int) -> tuple[int, int]:
    """Return the number of the layer that passes a limit, if one does, and what all come to."""
    totals = list(itertools.accumulate((count for _, count in counts), initial=0))
    return bisect.bisect_right(totals, limit) - 1, totals[-1]


def _lift(what: str, total: int) -> str:
    return f", or lift the limit with `limits: {{{what}: {total}}}`" if total <= MOST else ""


def _parameter_count(at: PlacedLayer) -> int:
    return sum(map(math.prod, at.layer.parameters(at.input).values()))


def _images_of_a_batch(sections: Sections, training: Training) -> int:
    """Return how many images a batch has: 0 where that is not known."""
    known = sections.images_to_train()
    size: int | None = training.batch_size  # None in a section that is not valid
    if size is None:
        return 0
    return size if known is None else min(size, known)
