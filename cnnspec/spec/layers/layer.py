"""What every kind of layer states about itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, Self, cast

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from cnnspec.errors import ShapeError
from cnnspec.spec.layers.window import Windows
from cnnspec.spec.mask import Mask
from cnnspec.spec.section import Kind
from cnnspec.spec.sizes import PartialShape, Shape, show
from cnnspec.spec.starts import Drawn, Start

INPUT = "input"
"""What a plan calls the images where it says what a layer reads; no layer has this name."""


def is_layer_name(text: str) -> bool:
    """Tell whether a layer may have this name."""
    return text != INPUT and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", text) is not None


def _layer_name(value: str) -> str:
    if value == INPUT:
        wanted = f"wanted another name, since `{INPUT}` stands for the images"
        raise PydanticCustomError("wrong_value", wanted)
    if not is_layer_name(value):
        raise PydanticCustomError(
            "wrong_value",
            "wanted at most 100 letters, digits and `_`, not starting with a digit",
        )
    return value


LayerName = Annotated[str, AfterValidator(_layer_name)]

Family = Literal[
    "convolution",
    "pooling",
    "fully connected",
    "reshaping",
    "activation",
    "normalisation",
    "joining branches",
    "other",
]


class Layer(Kind):
    """Base of every kind of layer.

    Shapes leave out the batch: (channels, height, width), or (features,).
    """

    family: ClassVar[Family] = "other"
    """What it is counted among: in pictures, and where an answer lists what is here."""
    keeps_shape: ClassVar[bool] = False
    """Whether its output always has the shape of its input."""
    takes: ClassVar[Literal["images", "features"] | None] = None
    """What alone it takes; None: both."""
    width: ClassVar[str | None] = None
    """The option that says how many channels, or features, its output has."""
    input_width: ClassVar[str | None] = None
    """The option that asserts how many channels, or features, its input has."""
    couples_images: ClassVar[bool] = False
    """Whether what it makes of an image in training hangs on the other images of the batch."""
    gives_probabilities: ClassVar[bool] = False
    """Whether its output adds up to 1: a loss takes logits, and makes probabilities of them."""
    only_reshapes: ClassVar[bool] = False
    """Whether its output is its input under another shape."""
    of_one_cell: ClassVar[bool] = False
    """Whether its output always has one cell for each channel."""

    name: LayerName | None = None
    """The layer's name in the plan, the reports and the weights; by default kind + number."""

    def output_shape(self, input: Shape) -> Shape:
        """Return the shape of the output for an input of shape `input`.

        Raises:
            ShapeError: the layer cannot take such an input.
        """
        for problem in self.problems(input):
            raise problem
        return cast(Shape, self.outline(input))

    def problems(self, input: PartialShape) -> Iterator[ShapeError]:
        """Yield every reason why the layer cannot take such an input.

        Sizes that are not known are None, both in `input` and in the options of a layer
        that is not valid; they are never a reason.
        """
        if self.takes == "images" and not is_image(input):
            yield _not_an_image(self, input)
        elif self.takes == "features" and is_image(input):
            yield _not_features(self, input)
        else:
            yield from _written_width(self, input[0])
            yield from self.own_problems(input)

    def own_problems(self, input: PartialShape) -> Iterator[ShapeError]:
        """Yield what is wrong of its own kind, where the input is what it takes."""
        yield from ()

    def outline(self, input: PartialShape | None) -> PartialShape | None:
        """Return what is known of the output's shape, where nothing or little is of the input's.

        None: not even whether it is images or features.
        """
        if self.keeps_shape:
            return input
        raise NotImplementedError

    def parameters(self, input: Shape) -> dict[str, Shape]:
        """Return the name and shape of each trainable parameter."""
        return {}

    def buffers(self, input: Shape) -> dict[str, Shape]:
        """Return the name and shape of each buffer: what training keeps, but does not train."""
        return {}

    def clips_below_zero(self) -> bool:
        """Tell whether what would be below 0 is 0 in its output, and sends no gradient."""
        return False

    def windows(self) -> tuple[Windows, ...]:
        """Return the windows along the height and along the width; none where it has none."""
        return ()

    def starts(self, input: Shape) -> Mapping[str, Start | Drawn]:
        """Return what each parameter and buffer starts from; there may be more than it has."""
        return {}

    def mask(self, input: Shape) -> Mask | None:
        """Return what it draws in training, for each image; None: nothing."""
        return None

    def least_batch(self, input: Shape) -> int:
        """Return how many images a batch must have for training."""
        return 1

    def macs(self, input: Shape, output: Shape) -> int:
        """Return the multiply-accumulates of one forward pass of one image."""
        return 0

    def resolved(self, name: str, input: Shape) -> Self:
        """Return this layer with its name and everything inferred written out."""
        width = {self.input_width: input[0]} if self.input_width else {}
        return self.model_copy(update={"name": name, **width})

    @classmethod
    def projection(cls, input: Shape, output: Shape) -> Self | None:
        """Return the smallest layer of this kind that makes one shape of another, if one can."""
        return None

    def reductions(self, input: Shape, output: Shape, batch: int) -> dict[str, int]:
        """Return, for each quantity, how many roundings one of its terms can meet.

        The keys are `output`, `grad_input` and the names of the parameters (for
        their gradients). 0 means exact: equal inputs give equal values. The
        referee derives its tolerances from these numbers. A kind that is no plain
        sum of products returns nothing here: the referee has a derivation for it.
        """
        return {}


def is_whole(layer: Layer) -> bool:
    """Tell whether every option is known; None stands for one that is not valid."""
    fields = type(layer).model_fields.items()
    return all(
        getattr(layer, name) is not None for name, field in fields if field.default is not None
    )


def is_image(shape: PartialShape) -> bool:
    """Tell whether a shape is (channels, height, width)."""
    return len(shape) == 3


def _not_an_image(layer: Layer, input: PartialShape) -> ShapeError:
    """Say that a layer over images receives features."""
    return ShapeError(
        "not-an-image",
        f"`{layer.keyword}` takes images (channels x height x width), "
        f"but receives {'' if None in input else show(input) + ' '}features",
        help=f"move `{layer.keyword}` before `flatten`",
    )


def _not_features(layer: Layer, input: PartialShape) -> ShapeError:
    """Say that a layer over features receives images."""
    return ShapeError(
        "not-features",
        f"`{layer.keyword}` takes features, but receives images of {show(input)}",
        help="put `- flatten` before it",
    )


def _written_width(layer: Layer, found: int | None) -> Iterator[ShapeError]:
    """Hold a width that the spec states against the width that the layer receives."""
    option = layer.input_width
    if option is None:
        return
    written = getattr(layer, option)
    if written is not None and found is not None and written != found:
        yield ShapeError(
            "input-width",
            f"`{option}` is written as {written}, but the layer receives {found}",
            option=option,
            ways=(
                (f"write {found}", {option: found}),
                (f"leave `{option}` out: it is inferred", {option: None}),
            ),
        )
