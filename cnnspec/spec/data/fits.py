"""Whether data fits the rest of a spec: the same sentences before and after it is read."""

from __future__ import annotations

import math
from collections.abc import Iterator

from cnnspec.spec.amounts import in_bytes, in_words
from cnnspec.spec.data.contents import Contents
from cnnspec.spec.data.source import DataSource
from cnnspec.spec.diagnostics import Diagnostic, Path
from cnnspec.spec.limits import MOST, Limits
from cnnspec.spec.sizes import Shape, show


def options_fit(
    data: DataSource, contents: Contents, limits: Limits | None = None
) -> Iterator[Diagnostic]:
    """Hold the options of a source against what it holds."""
    path = ("data", data.keyword)
    if data.normalize is not None and contents.shape is not None:
        numbers, channels = len(data.normalize.mean), contents.shape[0]
        if numbers != channels:
            yield Diagnostic(
                "normalize-channels",
                f"`normalize` is for {numbers} channels, but the images have {channels}",
                (*path, "normalize"),
                help="give one mean and one std for each channel",
            )
    kept = 0
    for part, known, wanted in (
        ("train", contents.train_images, data.train_samples),
        ("test", contents.test_images, data.test_samples),
    ):
        if known is not None and wanted is not None and wanted > known:
            yield Diagnostic(
                "too-few-images",
                f"`{part}_samples` is {wanted:,}, but `{data.keyword}` has {known:,} images "
                f"to {part} on",
                (*path, f"{part}_samples"),
                help=f"ask for at most {known}, or leave it out to have all",
            )
        kept += min(n for n in (known or 0, wanted) if n is not None)
    numbers = kept * math.prod(contents.shape or ())
    if limits is not None and numbers > limits.images:
        fewer = "ask for fewer by `train_samples` and `test_samples`"
        lift = f", or lift the limit with `limits: {{images: {numbers}}}`"
        yield Diagnostic(
            "too-much-data",
            f"the images of `{data.keyword}` are {in_words(numbers)} numbers, "
            f"{in_bytes(4 * numbers)}; the limit is {in_words(limits.images)}",
            path,
            help=fewer + (lift if numbers <= MOST else ""),
        )


def images_fit(
    name: str, found: Shape | None, input: Shape | None, data: DataSource | None = None
) -> Iterator[Diagnostic]:
    """Hold the shape of an image against `input`."""
    if found is None or input is None:
        return
    if found == input:
        if data is not None and (doubt := data.doubt(found)):
            yield Diagnostic(
                "channels-last",
                f"the images of `{name}` are read as {found[0]} channels of "
                f"{found[1]} x {found[2]} pixels",
                ("data", data.keyword),
                help=doubt,
            )
        return
    yield Diagnostic(
        "input-mismatch",
        f"the data `{name}` has images of {show(found)}, but `input` is {show(input)}",
        ("input",),
        help=_relayout(found, input, data) or f"write `input: {list(found)}`, or take other data",
    )


def _relayout(found: Shape, wanted: Shape, data: DataSource | None) -> str:
    if data is not None:
        return data.relayout(found, wanted)
    if len(found) == 3 and (found[2], found[0], found[1]) == wanted:
        return "channels come first: store images.transpose(0, 3, 1, 2)"
    return ""


def classes_fit(
    name: str, classes: int | None, logits: int | None, at: Path
) -> Iterator[Diagnostic]:
    """Hold the classes against the network's logits, which are chosen at a place."""
    if classes is None or logits is None or logits == classes:
        return
    yield Diagnostic(
        "too-few-logits" if logits < classes else "spare-logits",
        f"the data `{name}` has {classes:,} {'class' if classes == 1 else 'classes'}, but the "
        f"network gives {'1 logit' if logits == 1 else f'{logits:,} logits'}",
        at,
        help=f"end with `- linear: {{out_features: {classes}}}`",
    )
