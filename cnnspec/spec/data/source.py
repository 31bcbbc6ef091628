"""DataSource: the options that all kinds of data share."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, FiniteFloat, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from cnnspec.spec.data.contents import Contents
from cnnspec.spec.section import Kind, Section
from cnnspec.spec.sizes import Ordered, Shape


def _some(values: tuple[float, ...]) -> tuple[float, ...]:
    if not values:
        raise PydanticCustomError("wrong_length", "wanted one number for each channel")
    return values


PerChannel = Annotated[tuple[FiniteFloat, ...], Field(strict=False), AfterValidator(_some), Ordered]


def _all_positive(values: tuple[float, ...]) -> tuple[float, ...]:
    if any(value <= 0 for value in values):
        raise PydanticCustomError("out_of_range", "wanted numbers above 0")
    return values


class Normalize(Section):
    """(pixel - mean) / std for each channel, after pixels are scaled to [0, 1]."""

    mean: PerChannel
    """What is subtracted: one number for each channel."""
    std: Annotated[PerChannel, AfterValidator(_all_positive)]
    """What the difference is divided by: one number for each channel."""

    @model_validator(mode="after")
    def _same_length(self) -> Normalize:
        if len(self.mean) != len(self.std):
            raise PydanticCustomError(
                "conflict",
                "`mean` has {means} numbers and `std` has {stds}: each wants one for each channel",
                {"means": len(self.mean), "stds": len(self.std)},
            )
        return self


class DataSource(Kind):
    """Base of every kind of data."""

    known: ClassVar[Contents] = Contents()
    """What it holds, as far as that is known before it is opened."""

    normalize: Normalize | None = None
    """Shift and scale each channel."""
    train_samples: PositiveInt | None = None
    """Keep the first so many training images."""
    test_samples: PositiveInt | None = None
    """Keep the first so many test images."""

    def images_to_train(self, contents: Contents) -> int | None:
        """Return how many images an epoch has, where that is known."""
        known = [n for n in (contents.train_images, self.train_samples) if n is not None]
        return min(known, default=None)

    def relayout(self, found: Shape, wanted: Shape) -> str:
        """Say what to write where the images found are those wanted, laid out otherwise."""
        return ""

    def doubt(self, found: Shape) -> str:
        """Say what to write where images of that shape are perhaps laid out otherwise."""
        return ""
