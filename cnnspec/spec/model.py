"""ModelSpec: everything that a spec file can say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PositiveInt, StringConstraints

from cnnspec.spec.composites import COMPOSITES, ENTRIES, AnyEntry
from cnnspec.spec.data import DATA_KINDS, AnyData
from cnnspec.spec.initializations import DEFAULT_INITIALIZATION, INITIALIZATIONS, AnyInitialization
from cnnspec.spec.limits import Limits
from cnnspec.spec.optimizers import OPTIMIZERS
from cnnspec.spec.section import Section
from cnnspec.spec.sizes import Ordered
from cnnspec.spec.training import Training


class ModelSpec(Section):
    """A network, and optionally its data and its training."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] = "model"
    """Name of the model; run folders carry it. Letters, digits, `.`, `_` and `-`."""
    input: Annotated[tuple[PositiveInt, PositiveInt, PositiveInt], Field(strict=False), Ordered]
    """Channels, height and width of one image."""
    layers: Annotated[Sequence[AnyEntry], Field(min_length=1), AfterValidator(tuple)]
    """Layers and blocks of layers, from the images to the logits."""
    initialization: AnyInitialization = DEFAULT_INITIALIZATION
    """What the weights start from."""
    data: AnyData | None = None
    """What to train on; not needed to build, to export or to compare layers."""
    training: Training = Training.model_construct()
    """How to train."""
    limits: Limits = Limits.model_construct()
    """Sizes beyond which the spec is refused."""


KINDS_AT: dict[tuple[str, ...], dict[str, Any]] = {
    ("data",): DATA_KINDS,
    ("initialization",): INITIALIZATIONS,
    ("training", "optimizer"): OPTIMIZERS,
}
"""Where things with a kind stand, beside the layers, and the kinds that there are."""


def kinds_at(path: tuple[str | int, ...]) -> dict[str, Any]:
    """Return the kinds that may stand at a path, or none."""
    if path[:1] == ("layers",):
        return ENTRIES if _is_an_entry(path) else {}
    return KINDS_AT.get(path, {})  # type: ignore[arg-type]


def _is_an_entry(path: tuple[str | int, ...]) -> bool:
    """Tell whether a layer or a block stands at a path in `layers`, within blocks too."""
    start, depth = 1, 1
    while True:
        indices, rest = path[start : start + depth], path[start + depth :]
        if len(indices) < depth or not all(isinstance(step, int) for step in indices):
            return False
        if not rest:
            return True
        block = COMPOSITES.get(str(rest[0]))
        if block is None or len(rest) < 2 or rest[1] not in block.lists:
            return False
        start, depth = start + depth + 2, block.lists[str(rest[1])]
