"""What only shows when the sections of a spec are held against each other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

from cnnspec.spec.composites import Composite, count_layers
from cnnspec.spec.data.fits import classes_fit, images_fit, options_fit
from cnnspec.spec.diagnostics import Diagnostic, Path
from cnnspec.spec.layers import Layer
from cnnspec.spec.limits import MOST_LAYERS
from cnnspec.spec.sections import Sections
from cnnspec.spec.shapes import Entry, Placed, not_logits, place_layers
from cnnspec.spec.sizes import PartialShape, Shape, show
from cnnspec.spec.too_large import too_many_layers, too_many_numbers


def check(sections: Sections, trains: bool = False) -> Placed:
    """Place the layers, and find every problem between the sections, warnings included.

    `trains` asks for outputs that a loss takes, where there is no data, too. The problems have
    paths, but no places.
    """
    too_many = [*too_many_layers(sections)]
    if too_many or count_layers(sections.layers) > MOST_LAYERS:
        return Placed([], None, too_many)
    placed = place_layers(_input_offered(sections), sections.layers)
    problems = [
        *_channels_last(sections),
        *placed.problems,
        *_logits(sections, placed, trains),
        *_probabilities(sections, trains),
        *too_many_numbers(sections, placed),
        *_data(sections, placed),
        *_least_batch(sections, placed),
        *_nothing_learnt(sections, placed),
    ]
    return Placed(placed.layers, placed.output, problems)


def _channels_last(sections: Sections) -> Iterator[Diagnostic]:
    """Warn of images that look like height, width, channels; data of a known shape tells."""
    if sections.input is None or sections.contents.shape:
        return
    height, width, channels = sections.input
    square = channels == 1 and height == width
    if height > _FEW and width > _FEW and (square or channels in (3, 4)):
        yield Diagnostic(
            "channels-last",
            f"`input` is {height} channels of {width} x {channels}: channels come first here",
            ("input",),
            help=f"if images are {height} x {width}, write `input: {[channels, height, width]}`",
        )


_FEW = 4
"""Channels that are no height: grey, colour, and colour with transparency."""


def _logits(sections: Sections, placed: Placed, trains: bool) -> Iterator[Diagnostic]:
    """Refuse images at the end where it trains, or there is data for it; else warn of them."""
    if placed.output is not None and not _is_flat(placed.output) and sections.layers:
        code = "no-logits" if trains or sections.data else "ends-in-images"
        yield not_logits(sections.layers, placed.output, code)


def _probabilities(sections: Sections, trains: bool) -> Iterator[Diagnostic]:
    """Refuse probabilities at the end where it trains, or there is data for it; else warn."""
    for path, layer in _ends(sections.layers, ("layers",)):
        if isinstance(layer, Layer) and layer.gives_probabilities:
            if trains or sections.data:
                code, rest = "softmax-before-loss", ""
                way = f"leave the last `{layer.keyword}` out"
            else:
                code, rest = "ends-in-probabilities", "; it can be built, but no loss takes them"
                way = f"to train it, leave the last `{layer.keyword}` out"
            yield Diagnostic(
                code,
                f"the last layer is a {layer.keyword}, and gives probabilities{rest}",
                path,
                notes=(
                    "the loss takes logits, and makes probabilities of them itself: of "
                    "probabilities, its gradients are small, and it comes nowhere near 0",
                ),
                help=way,
            )
            return
        if not isinstance(layer, Layer) or not layer.only_reshapes:
            return


def _input_offered(sections: Sections) -> Shape | None:
    """Return the shape that the layers are tried with: of the way out, where `input` is wrong."""
    data, given, written = sections.data, sections.contents.shape, sections.input
    if data is None or given is None or written is None or data.relayout(given, written):
        return written
    return given


def _data(sections: Sections, placed: Placed) -> Iterator[Diagnostic]:
    data, contents = sections.data, sections.contents
    if data is None:
        return
    yield from images_fit(data.keyword, contents.shape, sections.input, data)
    shape = contents.shape or sections.input  # an image of a source that is not known
    yield from options_fit(data, replace(contents, shape=shape), sections.limits)
    if placed.output is not None and len(placed.output) == 1:
        path, option = _last(sections)
        here, logits = (*path, *option), placed.output[0]
        yield from classes_fit(data.keyword, contents.classes, logits, here)


def _last(sections: Sections) -> tuple[Path, tuple[str, ...]]:
    """Return the layer that says how many logits there are, and its option; or the last layer."""
    ends = list(_ends(sections.layers, ("layers",)))
    for path, entry in ends:
        if isinstance(entry, Layer) and entry.keeps_shape:
            continue
        if isinstance(entry, Layer) and entry.width:
            return path, (entry.width,)
        break
    return ends[0][0], ()


def _ends(entries: Sequence[Entry], path: Path) -> Iterator[tuple[Path, Entry]]:
    """Yield the last layers, the very last one first, up to a block in which branches meet."""
    for index in reversed(range(len(entries))):
        entry, here = entries[index], (*path, index, entries[index].keyword or "")
        if isinstance(entry, Composite) and entry.ending:
            yield from _ends(getattr(entry, entry.ending) or (), (*here, entry.ending))
            continue
        yield here, entry
        if isinstance(entry, Composite):
            return


def _least_batch(sections: Sections, placed: Placed) -> Iterator[Diagnostic]:
    """Refuse batches that are too small for the statistics of a layer; once, at the first."""
    known = sections.images_to_train()
    size: int | None = sections.training.batch_size if sections.training else None
    if size is None:
        return
    rest = known % size if known is not None else 0
    smallest = rest or size
    for at in placed.layers:
        least = at.layer.least_batch(at.input)
        if smallest < least:
            features = " features" if len(at.input) == 1 else ""
            batch = "the last batch of an epoch" if rest else "each batch"
            yield Diagnostic(
                "one-value",
                f"{at.name}: training needs more than one value for each channel, "
                f"but {batch} has {smallest} image of {show(at.input)}{features}",
                at.path,
                notes=(f"last batch: {known} mod {size} = {rest}",) if rest else (),
                help=_enough(least, size, known),
            )
            return


def _enough(least: int, size: int, known: int | None) -> str:
    """Offer the next batch size that leaves no batch of fewer than `least` images."""
    if known is not None and known < least:
        return f"train on at least {least} images"
    sizes = itertools.count(max(size, least))
    enough = next(n for n in sizes if known is None or (known % n or n) >= least)
    return f"write `batch_size: {enough}` in `training`"


def _nothing_learnt(sections: Sections, placed: Placed) -> Iterator[Diagnostic]:
    """Warn of what is allowed, but learns nothing, or less than it seems to."""
    training = sections.training
    complete = len(placed.layers) == count_layers(sections.layers) > 0
    classes = sections.contents.classes
    if placed.output == (1,) and not (classes and classes > 1):
        yield Diagnostic(
            "one-logit",
            "the network gives a single logit: the softmax of one number is 1, so the loss is "
            "always 0 and no parameter trains",
            _last(sections)[0],
            help="give one logit for each class: two for yes and no",
        )
    yield from _spoilt_logits(sections, placed)
    if complete and not any(at.layer.parameters(at.input) for at in placed.layers):
        yield Diagnostic(
            "no-parameters",
            "no layer has parameters: there is nothing to train",
            ("layers",),
            help="add a `conv` or a `linear`",
        )
    if training is not None and training.optimizer and training.optimizer.learning_rate == 0:
        yield Diagnostic(
            "zero-learning-rate",
            "the learning rate is 0: no parameter changes",
            ("training", "optimizer", training.optimizer.keyword, "learning_rate"),
        )
    known = sections.images_to_train()
    size: int | None = training.batch_size if training else None
    if sections.data and known is not None and size is not None and size > known:
        few = sections.data.train_samples == known
        yield Diagnostic(
            "one-batch",
            f"`batch_size` is {size:,}, but there are {known:,} images to train on: an epoch is "
            "a single step",
            ("data", sections.data.keyword, "train_samples") if few else ("training", "batch_size"),
            help="write a smaller `batch_size`",
        )


def _spoilt_logits(sections: Sections, placed: Placed) -> Iterator[Diagnostic]:
    """Warn of last layers that change the logits for the worse."""
    if not _is_flat(placed.output):
        return
    for path, layer in _ends(sections.layers, ("layers",)):
        if isinstance(layer, Layer) and layer.clips_below_zero():
            yield Diagnostic(
                "rectified-logits",
                f"the last layer is a {layer.keyword}: no logit is below 0, and one that is 0 "
                "sends no gradient",
                path,
                help=f"leave the last `{layer.keyword}` out; the loss takes the logits as they are",
            )
        if not isinstance(layer, Layer) or not _drops(layer, placed.output):
            return
        yield Diagnostic(
            "dropped-logits",
            f"the last layer is a {layer.keyword}: in training, logits are dropped, that of the "
            "right class as well",
            path,
            help=f"leave the last `{layer.keyword}` out, or put it before the layer that gives the "
            "logits",
        )


def _drops(layer: Layer, shape: PartialShape | None) -> bool:
    """Tell whether a layer drops numbers of what it is given."""
    if shape is None or None in shape:
        return False
    mask = layer.mask(cast(Shape, shape))
    return mask is not None and bool(mask.drops)


def _is_flat(shape: PartialShape | None) -> bool:
    return shape is not None and len(shape) == 1
