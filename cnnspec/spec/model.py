"""ModelSpec: everything that a spec file can say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PositiveInt, StringConstraints

from cnnspec.spec.data import DATA_KINDS, AnyData
from cnnspec.spec.initializations import DEFAULT_INITIALIZATION, INITIALIZATIONS, AnyInitialization
from cnnspec.spec.layers import KINDS, AnyLayer
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
    layers: Annotated[Sequence[AnyLayer], Field(min_length=1), AfterValidator(tuple)]
    """The chain of layers, from the images to the logits."""
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
    if len(path) == 2 and path[0] == "layers":
        return KINDS
    return KINDS_AT.get(path, {})  # type: ignore[arg-type]
