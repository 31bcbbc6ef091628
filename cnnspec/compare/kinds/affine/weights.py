"""Faults in weights, biases and in what is counted: of convolutions and linear layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np

from cnnspec.compare.faults.fault import Fault, LayerSituation
from cnnspec.compare.faults.shares import Kept, kept_shares
from cnnspec.compare.kinds.affine.change import (
    BUT_FIRST,
    BUT_LAST,
    FIRST,
    LAST,
    Change,
    gradients,
    kept_alone,
    of_input,
    of_weight,
    only,
    output,
    spoiling,
    weight_change,
)
from cnnspec.compare.kinds.affine.convolution import Convolution
from cnnspec.numerics.budget import Exact


def _bias(change: Callable[[Exact, Convolution], Exact]) -> Change:
    return lambda problem: replace(problem, bias=change(problem.bias, problem))


BIAS = [
    output(
        "bias-missing",
        "the bias is never added",
        _bias(lambda bias, _: 0 * bias),
    ),
    output(
        "bias-twice",
        "the bias is added twice",
        _bias(lambda bias, _: 2 * bias),
    ),
    output(
        "bias-subtracted",
        "the bias is subtracted",
        _bias(lambda bias, _: -bias),
    ),
    output(
        "bias-per-input-channel",
        "the bias is added once for each input channel; it belongs into the sum once",
        _bias(lambda bias, problem: problem.weight.shape[1] * bias),
    ),
    output(
        "bias-per-tap",
        "the bias is added once for each cell of the kernel; it belongs into the sum once",
        _bias(lambda bias, problem: problem.weight[0, 0].size * bias),
    ),
    output(
        "bias-per-term",
        "the bias is added to each product of the sum; it belongs into the sum once",
        _bias(lambda bias, problem: problem.weight[0].size * bias),
    ),
    output(
        "bias-of-one-channel",
        "the first bias is added to every channel; each channel has its own",
        _bias(lambda bias, _: np.full_like(bias, bias[0])),
    ),
    output(
        "bias-order",
        "the biases are added in reversed order",
        _bias(lambda bias, _: bias[::-1]),
    ),
]


def _reread(weight: Exact) -> Exact:
    """Take the numbers of a weight for those of its transpose, as `reshape` does."""
    outputs, inputs, *kernel = weight.shape
    return weight.reshape(inputs, outputs, *kernel).swapaxes(0, 1)


def _laid_out(weight: Exact) -> Exact:
    outputs, inputs, *kernel = weight.shape
    return weight.swapaxes(0, 1).reshape(outputs, inputs, *kernel)


WEIGHT = [
    of_weight(
        "weight-transposed",
        "the weight is used transposed: its inputs and outputs are swapped",
        weight_change(lambda weight: weight.swapaxes(0, 1)),
    ),
    of_weight(
        "weight-reshaped",
        "the weight is reshaped where it should be transposed",
        weight_change(_reread),
    ),
    of_weight(
        "weight-reshaped",
        "the weight is transposed and then reshaped back; it should stay transposed or stay "
        "as it is",
        weight_change(_laid_out),
    ),
    of_weight(
        "weight-order",
        "the outputs of the weight are taken in reversed order",
        weight_change(lambda weight: weight[::-1]),
    ),
    of_weight(
        "weight-order",
        "the inputs of the weight are taken in reversed order",
        weight_change(lambda weight: weight[:, ::-1]),
    ),
]


def _counted(
    what: str,
    axis: int,
    name: Literal["x", "grad_output"],
    fault: Callable[[str, str, Change], Fault[LayerSituation]],
    code: str,
) -> list[Fault[LayerSituation]]:
    choices = {
        f"the last {what} is left out": BUT_LAST,
        f"the first {what} is left out": BUT_FIRST,
    }
    return [fault(code, words, only(axis, index, name)) for words, index in choices.items()]


grad_weight = spoiling("grad_weight")


def kept_gradient(kept: Kept) -> Fault[LayerSituation]:
    """Return gradients to which one share of the upstream gradient comes alone."""
    return gradients(kept.code, kept.sentence, kept_alone(kept, "grad_output"))


COUNTED = [
    *map(kept_gradient, kept_shares("output channel")),
    *(
        of_input("channels-left-out", f"only the {which} input channel counts", only(1, end, "x"))
        for which, end in (("last", LAST), ("first", FIRST))
    ),
    *_counted("image", 0, "grad_output", gradients, "images-left-out"),
    *_counted("output channel", 1, "grad_output", gradients, "channels-left-out"),
    *_counted("input channel", 1, "x", of_input, "channels-left-out"),
    gradients(
        "upstream-missing",
        "the upstream gradient is never used: the result is that for an upstream gradient of ones",
        lambda problem: replace(problem, grad_output=np.ones_like(problem.grad_output)),
    ),
    grad_weight(
        "mean-of-batch",
        "the mean input of the batch is multiplied by its mean gradient; the sum of the "
        "images' products is wanted",
        lambda problem: replace(
            problem,
            x=problem.x.mean(axis=0, keepdims=True),
            grad_output=problem.grad_output.mean(axis=0, keepdims=True),
        ),
    ),
    grad_weight(
        "mean-of-batch",
        "the summed input of the batch is multiplied by its summed gradient; the sum of the "
        "images' products is wanted",
        lambda problem: replace(
            problem,
            x=problem.x.sum(axis=0, keepdims=True),
            grad_output=problem.grad_output.sum(axis=0, keepdims=True),
        ),
    ),
]
