"""What a network is trained on: the `data` section."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    FiniteFloat,
    PositiveInt,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from cnnspec.spec.section import Kind, Section, kind_of
from cnnspec.spec.sizes import Ordered


def _some(values: tuple[float, ...]) -> tuple[float, ...]:
    if not values:
        raise PydanticCustomError("wrong_value", "wanted one number per channel")
    return values


PerChannel = Annotated[tuple[FiniteFloat, ...], Field(strict=False), AfterValidator(_some), Ordered]


def _all_positive(values: tuple[float, ...]) -> tuple[float, ...]:
    if any(value <= 0 for value in values):
        raise PydanticCustomError("wrong_value", "wanted numbers above 0, one per channel")
    return values


class Normalize(Section):
    """(pixel - mean) / std for each channel, after pixels are scaled to [0, 1]."""

    mean: PerChannel
    std: Annotated[PerChannel, AfterValidator(_all_positive)]

    @model_validator(mode="after")
    def _same_length(self) -> Normalize:
        if len(self.mean) != len(self.std):
            raise PydanticCustomError(
                "conflict",
                "`mean` has {means} numbers and `std` has {stds}: one per channel is wanted",
                {"means": len(self.mean), "stds": len(self.std)},
            )
        return self


class DataSource(Kind):
    """Base of every kind of data."""

    normalize: Normalize | None = None
    """Shift and scale each channel."""
    train_samples: PositiveInt | None = None
    """Keep the first so many training images."""
    test_samples: PositiveInt | None = None
    """Keep the first so many test images."""


class Digits(DataSource):
    """1,797 real handwritten digits of 1 x 8 x 8, 10 classes; built in."""

    keyword: ClassVar[str] = "digits"


class MNIST(DataSource):
    """70,000 handwritten digits of 1 x 28 x 28, 10 classes; through torchvision."""

    keyword: ClassVar[str] = "mnist"


class FashionMNIST(DataSource):
    """70,000 pictures of clothes of 1 x 28 x 28, 10 classes; through torchvision."""

    keyword: ClassVar[str] = "fashion_mnist"


class NPZ(DataSource):
    """A file of your own, written by numpy.savez.

    It holds `train_images`, `train_labels`, `test_images` and `test_labels`; or
    `images` and `labels`, of which every fifth image (sorted by class) is the test set.
    Images are (n, h, w) or (n, c, h, w), either uint8 (scaled to [0, 1]) or floats
    (taken as they are); labels are whole numbers from 0.
    """

    keyword: ClassVar[str] = "npz"

    path: str
    """The file, from the working directory."""


AnyData = Annotated[
    Annotated[Digits, Tag("digits")]
    | Annotated[MNIST, Tag("mnist")]
    | Annotated[FashionMNIST, Tag("fashion_mnist")]
    | Annotated[NPZ, Tag("npz")],
    Discriminator(kind_of),
]
