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

from cnnspec.spec.section import Kind, Section, kind_of, kinds_in
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

    shape: ClassVar[Shape | None] = None
    """Channels, height and width of one image, where that is known beforehand."""
    classes: ClassVar[int | None] = None
    train_images: ClassVar[int | None] = None
    test_images: ClassVar[int | None] = None

    normalize: Normalize | None = None
    """Shift and scale each channel."""
    train_samples: PositiveInt | None = None
    """Keep the first so many training images."""
    test_samples: PositiveInt | None = None
    """Keep the first so many test images."""

    def images_to_train(self) -> int | None:
        """Return how many images an epoch has, where that is known beforehand."""
        known = [count for count in (self.train_images, self.train_samples) if count is not None]
        return min(known, default=None)


class Digits(DataSource):
    """1,797 real handwritten digits of 1 x 8 x 8, 10 classes; built in."""

    keyword: ClassVar[str] = "digits"
    shape: ClassVar[Shape | None] = (1, 8, 8)
    classes: ClassVar[int | None] = 10
    train_images: ClassVar[int | None] = 1_437
    test_images: ClassVar[int | None] = 360


class MNIST(DataSource):
    """70,000 handwritten digits of 1 x 28 x 28, 10 classes; through torchvision."""

    keyword: ClassVar[str] = "mnist"
    shape: ClassVar[Shape | None] = (1, 28, 28)
    classes: ClassVar[int | None] = 10
    train_images: ClassVar[int | None] = 60_000
    test_images: ClassVar[int | None] = 10_000


class FashionMNIST(DataSource):
    """70,000 pictures of clothes of 1 x 28 x 28, 10 classes; through torchvision."""

    keyword: ClassVar[str] = "fashion_mnist"
    shape: ClassVar[Shape | None] = (1, 28, 28)
    classes: ClassVar[int | None] = 10
    train_images: ClassVar[int | None] = 60_000
    test_images: ClassVar[int | None] = 10_000


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

DATA_KINDS: dict[str, type[DataSource]] = kinds_in(AnyData)
