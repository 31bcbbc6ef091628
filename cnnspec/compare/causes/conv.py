"""The faults of convolutions and linear layers, as changes of the problem that they solve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from cnnspec.compare.budget import Exact
from cnnspec.compare.causes.cause import (
    Hypothesis,
    LayerSituation,
    Observation,
    Prediction,
    computed,
)
from cnnspec.compare.causes.convolution import EXTRA_ROUNDINGS, Convolution
from cnnspec.compare.causes.layout import DIRECTIONS

Observed = Observation[LayerSituation]
Change = Callable[[Convolution], Convolution | None]

GRADIENTS = ("grad_input", "grad_weight", "grad_bias")
ALL = ("output", *GRADIENTS)
OF_PLACES = ("output", "grad_input", "grad_weight")
OF_WEIGHT = ("output", "grad_input")


@dataclass(frozen=True)
class Fault:
    """A change of the problem, and the quantities in which people make it."""

    code: str
    sentence: str
    change: Change
    quantities: tuple[str, ...]


def of_linear(observations: list[Observed]) -> Iterator[Hypothesis[LayerSituation]]:
    """Suppose each fault of a linear layer."""
    yield from _of(observations, [*BIAS, *WEIGHT, *COUNTED])


def of_conv(observations: list[Observed]) -> Iterator[Hypothesis[LayerSituation]]:
    """Suppose each fault of a convolution."""
    faults = [*BIAS, *WEIGHT, *COUNTED, *KERNEL, *GEOMETRY, *PADDING, *OVERLAPS, *GROUPS]
    yield from _of(observations, faults)


def _of(observations: list[Observed], faults: list[Fault]) -> Iterator[Hypothesis[LayerSituation]]:
    quantity = observations[0].quantity
    for fault in faults:
        if quantity in fault.quantities:
            yield Hypothesis(fault.code, fault.sentence, _predict(fault.change))
    if quantity == "grad_bias":
        yield from _sums(observations[0])


def _predict(change: Change) -> Callable[[Observed], Prediction | None]:
    def predict(observation: Observed) -> Prediction | None:
        changed = change(Convolution.of(observation.situation))
        if changed is None:
            return None
        return _fitted(changed.predict(observation.quantity), observation.found.shape)

    return predict


def _fitted(prediction: Prediction, shape: tuple[int, ...]) -> Prediction:
    """Leave out what was not computed: windows beyond the last one of the output."""
    value, budget = prediction
    if value.ndim != len(shape) or value.shape[:2] != shape[:2]:
        return prediction
    kept = tuple(slice(size) for size in shape)
    return Prediction(value[kept], budget[kept])


# --- biases ---


def _bias(change: Callable[[Exact, Convolution], Exact]) -> Change:
    return lambda problem: replace(problem, bias=change(problem.bias, problem))


BIAS = [
    Fault(
        "bias-missing",
        "the expected one without the bias",
        _bias(lambda bias, _: 0 * bias),
        ("output",),
    ),
    Fault(
        "bias-twice",
        "the expected one with the bias added twice",
        _bias(lambda bias, _: 2 * bias),
        ("output",),
    ),
    Fault(
        "bias-subtracted",
        "the expected one with the bias subtracted",
        _bias(lambda bias, _: -bias),
        ("output",),
    ),
    Fault(
        "bias-per-input-channel",
        "the expected one with the bias added once for each input channel",
        _bias(lambda bias, problem: problem.weight.shape[1] * bias),
        ("output",),
    ),
    Fault(
        "bias-per-tap",
        "the expected one with the bias added once for each cell of the kernel",
        _bias(lambda bias, problem: problem.weight[0, 0].size * bias),
        ("output",),
    ),
    Fault(
        "bias-per-term",
        "the expected one with the bias added to each product of the sum",
        _bias(lambda bias, problem: problem.weight[0].size * bias),
        ("output",),
    ),
    Fault(
        "bias-of-one-channel",
        "the expected one with the first bias added to every channel",
        _bias(lambda bias, _: np.full_like(bias, bias[0])),
        ("output",),
    ),
    Fault(
        "bias-order",
        "the expected one with the biases in reversed order",
        _bias(lambda bias, _: bias[::-1]),
        ("output",),
    ),
]


def _sums(first: Observed) -> Iterator[Hypothesis[LayerSituation]]:
    """Suppose sums over other axes for a gradient of the bias, which are only told apart by it."""
    names = ("images", "channels", "height", "width")[: first.situation.grad_output.ndim]
    for bits in range(2 ** len(names)):
        axes = tuple(axis for axis in range(len(names)) if bits >> axis & 1)
        over = ", ".join(names[axis] for axis in axes)
        for keepdims in (False, True):
            yield Hypothesis(
                "bias-sum",
                f"the sum over {over}, where all but the channels are wanted"
                if over
                else "the gradient of the output as it came, where its sum is wanted",
                lambda observation, at=axes, keep=keepdims: _sum(observation, at, keep),
            )


def _sum(observation: Observed, axes: tuple[int, ...], keepdims: bool) -> Prediction | None:
    """Sum over the axes; a single number may stand for all channels."""
    gradient = observation.situation.grad_output
    total, magnitude = (
        np.asarray(array.sum(axis=axes, keepdims=keepdims)) for array in (gradient, np.abs(gradient))
    )
    shape = observation.found.shape
    if total.size == 1 and len(shape) == 1:
        total, magnitude = (np.full(shape, array.item()) for array in (total, magnitude))
    return computed(total, magnitude, gradient.size + EXTRA_ROUNDINGS)


# --- weights ---


def _weight(change: Callable[[Exact], Exact]) -> Change:
    """Change the weight, where it keeps its shape."""

    def changed(problem: Convolution) -> Convolution | None:
        weight = change(problem.weight)
        if weight.shape != problem.weight.shape:
            return None
        return replace(problem, weight=weight)

    return changed


def _reread(weight: Exact) -> Exact:
    """Take the numbers of a weight for those of its transpose, as `reshape` does."""
    outputs, inputs, *kernel = weight.shape
    return weight.reshape(inputs, outputs, *kernel).swapaxes(0, 1)


def _laid_out(weight: Exact) -> Exact:
    outputs, inputs, *kernel = weight.shape
    return weight.swapaxes(0, 1).reshape(outputs, inputs, *kernel)


WEIGHT = [
    Fault(
        "weight-transposed",
        "the expected one with inputs and outputs of the weight swapped",
        _weight(lambda weight: weight.swapaxes(0, 1)),
        OF_WEIGHT,
    ),
    Fault(
        "weight-reshaped",
        "the expected one with the weight reshaped where it should be transposed",
        _weight(_reread),
        OF_WEIGHT,
    ),
    Fault(
        "weight-reshaped",
        "the expected one with the weight transposed and then reshaped back",
        _weight(_laid_out),
        OF_WEIGHT,
    ),
    Fault(
        "weight-order",
        "the expected one with the weight's outputs in reversed order",
        _weight(lambda weight: weight[::-1]),
        OF_WEIGHT,
    ),
    Fault(
        "weight-order",
        "the expected one with the weight's inputs in reversed order",
        _weight(lambda weight: weight[:, ::-1]),
        OF_WEIGHT,
    ),
]

KERNEL = [
    Fault(
        "flipped-kernel",
        "the expected one with each kernel flipped in space: a true convolution, where a "
        "correlation is wanted?",
        _weight(lambda weight: weight[:, :, ::-1, ::-1]),
        ("output",),
    ),
    Fault(
        "flipped-kernel",
        "the expected one with each kernel flipped in space: a full correlation with the "
        "kernel as it is, where a full convolution is wanted?",
        _weight(lambda weight: weight[:, :, ::-1, ::-1]),
        ("grad_input",),
    ),
    Fault(
        "flipped-kernel",
        "the expected one with each kernel flipped upside down",
        _weight(lambda weight: weight[:, :, ::-1]),
        OF_WEIGHT,
    ),
    Fault(
        "flipped-kernel",
        "the expected one with each kernel flipped left to right",
        _weight(lambda weight: weight[:, :, :, ::-1]),
        OF_WEIGHT,
    ),
    Fault(
        "height-width-swapped",
        "the expected one with height and width of each kernel swapped",
        lambda problem: replace(problem, weight=problem.weight.swapaxes(2, 3)),
        OF_WEIGHT,
    ),
    Fault(
        "weight-reshaped",
        "the expected one with the kernel's cells read column by column",
        _weight(lambda weight: weight.swapaxes(2, 3).reshape(weight.shape)),
        OF_WEIGHT,
    ),
]


# --- what is counted ---


def _only(axis: int, index: slice, name: Literal["x", "grad_output"]) -> Change:
    """Put zeros in place of all but some images, channels or windows."""

    def changed(problem: Convolution) -> Convolution:
        array = getattr(problem, name)
        kept = np.zeros_like(array)
        at = (slice(None),) * axis + (index,)
        kept[at] = array[at]
        return replace(problem, **{name: kept})

    return changed


def _both(one: Change, other: Change) -> Change:
    def changed(problem: Convolution) -> Convolution | None:
        after = one(problem)
        return None if after is None else other(after)

    return changed


FIRST, LAST = slice(0, 1), slice(-1, None)
BUT_FIRST, BUT_LAST = slice(1, None), slice(None, -1)


def _counted(
    what: str,
    axis: int,
    name: Literal["x", "grad_output"],
    quantities: tuple[str, ...],
    code: str,
) -> list[Fault]:
    choices = {
        f"the last {what} alone counted": LAST,
        f"the first {what} alone counted": FIRST,
        f"the last {what} left out": BUT_LAST,
        f"the first {what} left out": BUT_FIRST,
    }
    return [
        Fault(code, f"the expected one with {words}", _only(axis, index, name), quantities)
        for words, index in choices.items()
    ]


COUNTED = [
    *_counted("image", 0, "grad_output", GRADIENTS, "images-left-out"),
    *_counted("output channel", 1, "grad_output", GRADIENTS, "channels-left-out"),
    *_counted("input channel", 1, "x", ("output", "grad_weight"), "channels-left-out"),
    Fault(
        "upstream-missing",
        "the expected one for an upstream gradient of ones: the chain rule is missing",
        lambda problem: replace(problem, grad_output=np.ones_like(problem.grad_output)),
        GRADIENTS,
    ),
    Fault(
        "mean-of-batch",
        "the product of the batch's mean input and mean gradient, where the sum of the "
        "images' products is wanted",
        lambda problem: replace(
            problem,
            x=problem.x.mean(axis=0, keepdims=True),
            grad_output=problem.grad_output.mean(axis=0, keepdims=True),
        ),
        ("grad_weight",),
    ),
    Fault(
        "mean-of-batch",
        "the product of the batch's summed input and summed gradient, where the sum of the "
        "images' products is wanted",
        lambda problem: replace(
            problem,
            x=problem.x.sum(axis=0, keepdims=True),
            grad_output=problem.grad_output.sum(axis=0, keepdims=True),
        ),
        ("grad_weight",),
    ),
]


# --- windows ---


def _one_stride(problem: Convolution) -> Convolution:
    return replace(problem, stride=(1, 1))


def _kernel_stride(problem: Convolution) -> Convolution:
    _, _, height, width = problem.weight.shape
    return replace(problem, stride=(height, width))


GEOMETRY = [
    Fault(
        "stride-ignored", "the expected one for a stride of 1", _one_stride, OF_PLACES
    ),
    Fault(
        "stride-is-kernel",
        "the expected one for a stride as large as the kernel",
        _kernel_stride,
        OF_PLACES,
    ),
    Fault(
        "stride-swapped",
        "the expected one with the strides of height and width swapped",
        lambda problem: replace(problem, stride=problem.stride[::-1]),
        OF_PLACES,
    ),
    Fault(
        "dilation-ignored",
        "the expected one for a dilation of 1",
        lambda problem: replace(problem, dilation=(1, 1)),
        OF_PLACES,
    ),
    Fault(
        "dilation-swapped",
        "the expected one with the dilations of height and width swapped",
        lambda problem: replace(problem, dilation=problem.dilation[::-1]),
        OF_PLACES,
    ),
    Fault(
        "dilation-off-by-one",
        "the expected one for a dilation that is greater by 1: so many cells between two taps",
        lambda problem: replace(problem, dilation=tuple(d + 1 for d in problem.dilation)),
        OF_PLACES,
    ),
    Fault(
        "windows-left-out",
        "the expected one without the last row and the last column of windows: a loop that "
        "ends one too early?",
        _both(_only(2, BUT_LAST, "grad_output"), _only(3, BUT_LAST, "grad_output")),
        GRADIENTS,
    ),
    Fault(
        "windows-left-out",
        "the expected one without the last row of windows",
        _only(2, BUT_LAST, "grad_output"),
        GRADIENTS,
    ),
    Fault(
        "windows-left-out",
        "the expected one without the last column of windows",
        _only(3, BUT_LAST, "grad_output"),
        GRADIENTS,
    ),
    Fault(
        "windows-left-out",
        "the expected one with the last window alone counted: assigned, where it should be added?",
        _both(_only(2, LAST, "grad_output"), _only(3, LAST, "grad_output")),
        GRADIENTS,
    ),
    Fault(
        "windows-left-out",
        "the last window of the last image alone: assigned, where it should be added?",
        _both(
            _only(0, LAST, "grad_output"),
            _both(_only(2, LAST, "grad_output"), _only(3, LAST, "grad_output")),
        ),
        GRADIENTS,
    ),
]


# --- padding ---


def _pads(change: Callable[[int, int], tuple[int, int]]) -> Change:
    def changed(problem: Convolution) -> Convolution:
        vertical, horizontal = (change(*pads) for pads in problem.pads)
        return replace(problem, pads=(vertical, horizontal))

    return changed


def _moved_pads(down: int, right: int) -> Change:
    def changed(problem: Convolution) -> Convolution:
        (top, bottom), (left, after) = problem.pads
        pads = ((top + down, bottom - down), (left + right, after - right))
        return replace(problem, pads=pads)

    return changed


def _padded_by(mode: Literal["edge", "reflect", "symmetric", "wrap"]) -> Change:
    def changed(problem: Convolution) -> Convolution | None:
        sizes = problem.x.shape[2:]
        if mode == "reflect" and min(sizes) == 1:
            return None
        return replace(problem, padded_by=mode)

    return changed


def _inside_alone(problem: Convolution) -> Convolution:
    """Leave out the windows that reach over the edge of the image."""
    gradient = problem.grad_output.copy()
    for axis, (before, _) in enumerate(problem.pads):
        size, cells = problem.x.shape[2 + axis], problem.weight.shape[2 + axis]
        start = np.arange(gradient.shape[2 + axis]) * problem.stride[axis] - before
        reach = problem.dilation[axis] * (cells - 1)
        outside = (start < 0) | (start + reach >= size)
        gradient[(slice(None),) * (2 + axis) + (outside,)] = 0
    return replace(problem, grad_output=gradient)


PADDING = [
    Fault(
        "padding-other-side",
        "the expected one with the padding's extra cell at the top and the left, where it "
        "belongs to the bottom and the right",
        lambda problem: _pads(lambda before, after: (after, before))(problem)
        if any(before != after for before, after in problem.pads)
        else problem,
        OF_PLACES,
    ),
    Fault(
        "padding-other-side",
        "the expected one with all padding at the bottom and the right",
        _pads(lambda before, after: (0, before + after)),
        OF_PLACES,
    ),
    Fault(
        "padding-other-side",
        "the expected one with all padding at the top and the left",
        _pads(lambda before, after: (before + after, 0)),
        OF_PLACES,
    ),
    Fault(
        "padding-ignored",
        "the expected one without padding",
        _pads(lambda before, after: (0, 0)),
        OF_PLACES,
    ),
    Fault(
        "padding-swapped",
        "the expected one with the paddings of height and width swapped",
        lambda problem: replace(problem, pads=problem.pads[::-1]),
        OF_PLACES,
    ),
    *(
        Fault(
            "padding-mode",
            f"the expected one with {words}, where it is padded by zeros",
            _padded_by(mode),
            ("output", "grad_weight"),
        )
        for mode, words in (
            ("edge", "the edge repeated as padding"),
            ("reflect", "the image reflected as padding"),
            ("symmetric", "the image mirrored as padding"),
            ("wrap", "the image's other side as padding"),
        )
    ),
    Fault(
        "padding-ignored",
        "the expected one without the windows that reach over the edge",
        _inside_alone,
        GRADIENTS,
    ),
    *(
        Fault(
            "shifted",
            f"the expected one with the image moved by one cell {words}",
            _moved_pads(*direction),
            OF_PLACES,
        )
        for direction, words in DIRECTIONS.items()
    ),
]

OVERLAPS = [
    Fault(
        "overlaps-overwritten",
        f"the expected one with the {which} window's gradient alone where windows overlap: "
        "assigned, where it should be added",
        lambda problem, keep=which: replace(problem, overlaps=keep),
        ("grad_input",),
    )
    for which in ("last", "first")
] + [
    Fault(
        "overlaps-overwritten",
        "the expected one with the last window's and the last output channel's gradient "
        "alone: assigned, where it should be added",
        _both(
            _only(1, LAST, "grad_output"),
            lambda problem: replace(problem, overlaps="last"),
        ),
        ("grad_input",),
    )
]


# --- groups ---


def _first_group(problem: Convolution) -> Convolution:
    x = problem.x.copy()
    n, channels, *size = x.shape
    grouped = x.reshape(n, problem.groups, channels // problem.groups, *size)
    grouped[:] = grouped[:, :1].copy()
    return replace(problem, x=x)


def _interleaved(channels: int, groups: int) -> list[int]:
    """Return the channels in the order 0, groups, 2 groups, ..., 1, groups + 1, ..."""
    return [channel for group in range(groups) for channel in range(group, channels, groups)]


def _interleaved_inputs(problem: Convolution) -> Convolution:
    return replace(problem, x=problem.x[:, _interleaved(problem.x.shape[1], problem.groups)])


def _reversed_groups(problem: Convolution) -> Convolution:
    n, channels, *size = problem.x.shape
    grouped = problem.x.reshape(n, problem.groups, channels // problem.groups, *size)
    return replace(problem, x=grouped[:, ::-1].reshape(problem.x.shape))


def _interleaved_filters(problem: Convolution) -> Convolution | None:
    order = _interleaved(len(problem.weight), problem.groups)
    return replace(
        problem, weight=problem.weight[order], grad_output=problem.grad_output[:, order]
    )


GROUPS = [
    Fault(
        "groups-ignored",
        "the expected one with every group looking at the channels of the first",
        _first_group,
        ("output", "grad_weight"),
    ),
    Fault(
        "groups-order",
        "the expected one with the input's channels dealt out to the groups one by one",
        _interleaved_inputs,
        ("output", "grad_weight"),
    ),
    Fault(
        "groups-order",
        "the expected one with the groups of the input in reversed order",
        _reversed_groups,
        ("output", "grad_weight"),
    ),
    Fault(
        "groups-order",
        "the expected one with the filters dealt out to the groups one by one",
        _interleaved_filters,
        ("grad_input",),
    ),
]
