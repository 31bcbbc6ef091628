"""The border: what a network is given is checked here, before anything is computed.

Every backend asks the same questions in the same words; what comes behind takes the answers for
granted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from cnnspec.backends.network import Batch, Labels
from cnnspec.errors import DataError, StateError
from cnnspec.plan import Plan, PlannedLayer
from cnnspec.spec.sizes import Shape, show
from cnnspec.trace import Array

FEW = 10
"""Names that a message lists."""
LONGEST = 100
"""Characters of one of them."""


def check_images(images: Array, plan: Plan) -> None:
    """Hold images against the input of a network; there may be none.

    Their values may be anything: NaN and infinity are passed on.

    Raises:
        DataError: they are no array of real numbers, or have another shape.
    """
    if not _are_numbers(images):
        raise _no_numbers(images, "images")
    if images.shape[1:] != plan.input:
        raise DataError(
            f"the network takes images of (n, {', '.join(map(str, plan.input))}); "
            f"found {images.shape}{_way_to(plan.input, images.shape)}"
        )


def check_training(batch: Batch, plan: Plan, step: int = 1) -> None:
    """Hold a batch against what a network can learn from, and the number of its step.

    Raises:
        DataError: the network ends in images; there are no images, too few for a layer's
            statistics, or others than the network takes; the labels are no whole numbers (n,)
            from 0 to classes - 1; the positions are no distinct places in the global batch; or
            the step is no whole number from 1.
    """
    check_ending(plan)
    check_step(step)
    if not isinstance(batch, Batch):
        raise DataError(
            f"found a {type(batch).__name__}; wanted a batch: cnnspec.Batch(images, labels)"
        )
    images = batch.images
    check_images(images, plan)
    if not len(images):
        raise DataError(
            f"found an empty batch, images of {images.shape}; wanted at least one image to learn "
            "from"
        )
    check_labels(batch.targets, len(images), plan.classes)
    check_positions(batch)
    for at in plan.layers:
        check_batch(len(images), at)


def check_ending(plan: Plan) -> None:
    """Hold what a network gives against what a loss takes.

    Raises:
        DataError: it gives images.
    """
    if len(plan.output) != 1:
        raise DataError(
            f"the last layer gives images of {show(plan.output)}, and the loss takes logits: end "
            "the spec with `- flatten` and `- linear: {out_features: ...}`"
        )


def check_step(step: int) -> None:
    """Hold the number of a training step against how steps are counted.

    Raises:
        DataError: it is no whole number from 1.
    """
    if not _is_whole(step) or step < 1:
        raise DataError(
            f"found {_briefly(step)} as the number of a training step; wanted a whole number: "
            "steps count from 1"
        )


def check_labels(labels: Labels, images: int, classes: int) -> None:
    """Hold labels against the number of images and of classes.

    Raises:
        DataError: they are no whole numbers (images,) from 0 to classes - 1.
    """
    wanted = f"wanted whole numbers from 0 to {classes - 1}, one for each image"
    if not isinstance(labels, np.ndarray):
        raise DataError(f"the labels are a {type(labels).__name__}; {wanted}: np.asarray(labels)")
    if isinstance(labels, np.ma.MaskedArray):
        raise DataError(
            f"the labels are a masked array; {wanted}: labels.compressed(), images alike"
        )
    if labels.dtype.kind not in "iu":
        raise DataError(f"the labels are {labels.dtype}{_not_whole(labels)}; {wanted}")
    if labels.shape != (images,):
        raise DataError(
            f"found labels of the shape {labels.shape} for {images} images; {wanted}"
            f"{_way_to_labels(labels.shape, images, classes)}"
        )
    if images and (np.minimum.reduce(labels) < 0 or np.maximum.reduce(labels) >= classes):
        at = int(np.argmax((labels < 0) | (labels >= classes)))
        raise DataError(
            f"found the label {labels[at]} at position {at}; {wanted}{_way_into(labels, classes)}"
        )


def check_positions(batch: Batch) -> None:
    """Hold the positions of images against the global batch.

    Raises:
        DataError: they are no distinct whole numbers below its size, one for each image.
    """
    size, images, positions = batch.global_size, len(batch.images), batch.positions
    if size is not None and (not _is_whole(size) or size < images):
        raise DataError(
            f"found {_briefly(size)} as the size of the global batch, of which {images} images are "
            "a part; wanted a whole number that is no smaller"
        )
    if positions is None:
        return
    whole = images if size is None else size
    wanted = (
        f"wanted distinct whole numbers from 0 to {whole - 1}, one for each image: its place in "
        f"the global batch of {whole}"
    )
    if not isinstance(positions, np.ndarray) or positions.dtype.kind not in "iu":
        raise DataError(f"found {_briefly(positions)} as positions of the images; {wanted}")
    if positions.shape != (images,):
        raise DataError(
            f"found positions of the shape {positions.shape} for {images} images; {wanted}"
        )
    outside = np.flatnonzero((positions < 0) | (positions >= whole))
    if len(outside):
        more = "" if size is not None else "; global_size says how many images it has"
        raise DataError(f"found the position {positions[outside[0]]}; {wanted}{more}")
    if len(np.unique(positions)) < images:
        raise DataError(f"found two images at one position; {wanted}")


def check_layer(name: str, plan: Plan) -> PlannedLayer:
    """Return the layer of a name.

    Raises:
        DataError: the network has no layer of that name.
    """
    if not isinstance(name, str):
        raise DataError(f"found {_briefly(name)} in the place of a layer's name; wanted a text")
    with suppress(KeyError):
        return plan.layer(name)
    names = [at.name for at in plan.layers]
    inside = [each for each in names if each.startswith(f"{name}.")]
    if inside:
        raise DataError(f"`{name}` is a block; wanted one of its layers: {_few(inside)}")
    near = get_close_matches(name[:LONGEST], names, n=1)
    way_out = f"did you mean `{near[0]}`?" if near else f"there are {_few(names)}"
    raise DataError(f"the network has no layer called {_few([name])}; {way_out}")


def check_replay(
    inputs: Sequence[Array],
    grad_output: Array,
    at: PlannedLayer,
    state: Mapping[str, Array] | None = None,
    noise: NDArray[np.bool] | None = None,
) -> None:
    """Hold the inputs, the upstream gradient, the state and the mask of one layer to its shapes.

    Raises:
        DataError: they are no arrays of real numbers, have other shapes, or are of too few images
            for the layer's statistics; or a mask is missing or too much.
        StateError: a name or a shape of the state does not fit the layer.
    """
    if not isinstance(inputs, Sequence) or len(inputs) != len(at.inputs):
        one = "one array" if isinstance(inputs, np.ndarray) else _briefly(inputs)
        found = str(len(inputs)) if isinstance(inputs, Sequence) else one
        raise DataError(
            f"`{at.name}` takes a sequence of inputs, one array for each of "
            f"{', '.join(at.inputs)}; found {found}"
        )
    for array, what in (*((x, "inputs") for x in inputs), (grad_output, "upstream gradients")):
        if not _are_numbers(array):
            raise _no_numbers(array, f"{what} of `{at.name}`")
    images = inputs[0].shape[0] if inputs[0].ndim else 0
    shapes = [(images, *shape) for shape in (*at.input_shapes, at.output)]
    if [array.shape for array in (*inputs, grad_output)] != shapes:
        raise DataError(
            f"`{at.name}` takes inputs of {_in_words(at.input_shapes)} and upstream "
            f"gradients of {_in_words([at.output])}; found "
            f"{', '.join(str(x.shape) for x in inputs)} and {grad_output.shape}"
        )
    if not images:
        raise DataError(f"`{at.name}`: found no inputs; wanted at least one image's")
    check_batch(images, at)
    _check_mask(noise, images, at)
    if state is not None:
        check_state(state, at.state, f"weights of `{at.name}`", has="the layer")


def _check_mask(noise: NDArray[np.bool] | None, images: int, at: PlannedLayer) -> None:
    """Hold what a layer is given as drawn against what it draws."""
    if at.mask is None:
        if noise is not None:
            raise DataError(f"`{at.name}` draws nothing in training; leave `noise` out")
        return
    wanted = (images, *at.mask.shape)
    shape = ""
    if isinstance(noise, np.ndarray):
        if noise.dtype == np.bool and noise.shape == wanted:
            return
        shape = f" of the shape {noise.shape}"
    raise DataError(
        f"`{at.name}` takes a mask as `noise`, an array of bool of the shape {wanted}; found "
        f"{_briefly(noise)}{shape}"
    )


def check_loss(logits: Array, labels: Labels) -> None:
    """Hold logits and labels against each other.

    Raises:
        DataError: the logits are no array (n, classes) of real numbers, of at least one image; or
            the labels are no whole numbers (n,) from 0 to classes - 1.
    """
    if not _are_numbers(logits):
        raise _no_numbers(logits, "logits")
    if logits.ndim != 2 or not logits.size:
        raise DataError(
            f"found logits of the shape {logits.shape}; wanted (n, classes), of at least one image"
        )
    check_labels(labels, *logits.shape)


def check_batch(images: int, at: PlannedLayer) -> None:
    """Hold the number of images against what a layer needs in training.

    Raises:
        DataError: they are too few.
    """
    least = at.layer.least_batch(at.input)
    if images < least:
        raise DataError(
            f"{at.name}: in training, `{at.kind}` over {show(at.input)} needs more than one value "
            f"for each channel: a batch of at least {least} images; found {images}"
        )


def check_state(
    state: Mapping[str, Array],
    expected: Mapping[str, Shape],
    what: str,
    *,
    has: str = "the network",
) -> None:
    """Hold names and shapes against what a network or one of its layers has.

    Raises:
        StateError: a name is missing or too many, or a shape differs.
    """
    missing = [name for name in expected if name not in state]
    unknown = [name for name in state if name not in expected]
    if missing or unknown:
        parts = [f"missing: {_few(missing)}"] if missing else []
        parts += [f"unknown: {_few(unknown)}"] if unknown else []
        raise StateError(f"the {what} do not fit {has}; {'; '.join(parts)}")
    for name, shape in expected.items():
        if state[name].shape != tuple(shape):
            raise StateError(
                f"the {what} do not fit {has}: `{name}` is "
                f"{show(state[name].shape) or 'a number without a shape'}, "
                f"but {has} has {show(shape)}"
            )


def _in_words(shapes: Sequence[Shape]) -> str:
    """Write the shapes of arrays with any number of images."""
    return " and ".join(f"(n, {', '.join(map(str, shape))})" for shape in shapes)


def _few(names: Sequence[str]) -> str:
    """Write names that a file may give: some of them, none longer than a line."""
    shown = [name if len(name) <= LONGEST else f"{name[:LONGEST]}..." for name in names[:FEW]]
    more = [f"and {len(names) - FEW:,} more"] if len(names) > FEW else []
    return ", ".join([*shown, *more])


def _is_whole(number: object) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool)


def _briefly(value: object) -> str:
    """Say what somebody gave, in a few words."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    return repr(value) if isinstance(value, int | float | None) else f"a {type(value).__name__}"


def _are_numbers(array: Array) -> bool:
    if isinstance(array, np.ma.MaskedArray):
        return False
    return isinstance(array, np.ndarray) and array.dtype.kind in "fiub"


def _no_numbers(array: Array, what: str) -> DataError:
    if isinstance(array, np.ma.MaskedArray):
        return DataError(
            f"the {what} are a masked array; wanted a plain one: array.filled(0) writes 0 where "
            "nothing is known"
        )
    if isinstance(array, np.ndarray):
        return DataError(
            f"the {what} are an array of {array.dtype}; wanted real numbers, such as float32"
        )
    return DataError(
        f"the {what} are a {type(array).__name__}; wanted a NumPy array of real numbers, such as "
        "np.asarray(..., np.float32) gives"
    )


def _way_to(wanted: Shape, found: Shape) -> str:
    """Say how to bring images into the wanted shape, where that is plain to see."""
    channels, *sizes = wanted
    if found == wanted:
        return "; write images[None] for one image"
    if found[1:] == (*sizes, channels):
        return "; write images.transpose(0, 3, 1, 2) for images with the channels last"
    if channels == 1 and list(found[1:]) == sizes:
        return "; write images[:, None] for images without an axis of channels"
    return ""


def _not_whole(labels: Labels) -> str:
    """Say what labels of another type hold, and what to make of it."""
    if labels.dtype.kind == "b":
        return "; labels.astype(np.int64) makes them 0 and 1"
    if labels.dtype.kind != "f":
        return ""
    broken = np.flatnonzero(~(np.isfinite(labels) & (np.trunc(labels) == labels)))
    if not len(broken):
        return "; labels.astype(np.int64) makes them whole numbers"
    return f", with {labels.flat[broken[0]]} at position {broken[0]}"


def _way_to_labels(found: Shape, images: int, classes: int) -> str:
    """Say how to bring labels into one number for each image, where that is plain to see."""
    if found == (images, 1):
        return ": labels[:, 0]"
    if found == (images, classes):
        return ": labels.argmax(axis=1), if they are one-hot"
    return ""


def _way_into(labels: Labels, classes: int) -> str:
    """Say how labels come to lie between 0 and the number of classes."""
    if labels.min() < 0:
        return "; leave out images without a label"
    if labels.min() > 0 and labels.max() == classes:
        return "; write labels - 1, if they count from 1"
    return f"; the network has {classes} logits, one for each class"
