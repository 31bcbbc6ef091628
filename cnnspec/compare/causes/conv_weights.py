"""Faults in weights, biases and in what is counted: of convolutions and linear layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np

from cnnspec.compare.budget import Exact
from cnnspec.compare.causes.conv_fault import (
    BUT_FIRST,
    BUT_LAST,
    FIRST,
    GRADIENTS,
    LAST,
    OF_WEIGHT,
    Change,
    Fault,
    only,
    weight_change,
)
from cnnspec.compare.causes.convolution import Convolution


def _bias(change: Callable[[Exact, Convolution], Exact]) -> Change:
    return lambda problem: replace(problem, bias=change(problem.bias, problem))


BIAS = [
    Fault(
        "bias-missing",
        "the bias is never added",
        _bias(lambda bias, _: 0 * bias),
        ("output",),
    ),
    Fault(
        "bias-twice",
        "the bias is added twice",
        _bias(lambda bias, _: 2 * bias),
        ("output",),
    ),
    Fault(
        "bias-subtracted",
        "the bias is subtracted",
        _bias(lambda bias, _: -bias),
        ("output",),
    ),
    Fault(
        "bias-per-input-channel",
        "the bias is added once for each input channel; it belongs into the sum once",
        _bias(lambda bias, problem: problem.weight.shape[1] * bias),
        ("output",),
    ),
    Fault(
        "bias-per-tap",
        "the bias is added once for each cell of the kernel; it belongs into the sum once",
        _bias(lambda bias, problem: problem.weight[0, 0].size * bias),
        ("output",),
    ),
    Fault(
        "bias-per-term",
        "the bias is added to each product of the sum; it belongs into the sum once",
        _bias(lambda bias, problem: problem.weight[0].size * bias),
        ("output",),
    ),
    Fault(
        "bias-of-one-channel",
        "the first bias is added to every channel; each channel has its own",
        _bias(lambda bias, _: np.full_like(bias, bias[0])),
        ("output",),
    ),
    Fault(
        "bias-order",
        "the biases are added in reversed order",
        _bias(lambda bias, _: bias[::-1]),
        ("output",),
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
    Fault(
        "weight-transposed",
        "the weight is used transposed: its inputs and outputs are swapped",
        weight_change(lambda weight: weight.swapaxes(0, 1)),
        OF_WEIGHT,
    ),
    Fault(
        "weight-reshaped",
        "the weight is reshaped where it should be transposed",
        weight_change(_reread),
        OF_WEIGHT,
    ),
    Fault(
        "weight-reshaped",
        "the weight is transposed and then reshaped back; it should stay transposed or stay "
        "as it is",
        weight_change(_laid_out),
        OF_WEIGHT,
    ),
    Fault(
        "weight-order",
        "the outputs of the weight are taken in reversed order",
        weight_change(lambda weight: weight[::-1]),
        OF_WEIGHT,
    ),
    Fault(
        "weight-order",
        "the inputs of the weight are taken in reversed order",
        weight_change(lambda weight: weight[:, ::-1]),
        OF_WEIGHT,
    ),
]


def _counted(
    what: str,
    axis: int,
    name: Literal["x", "grad_output"],
    quantities: tuple[str, ...],
    code: str,
) -> list[Fault]:
    choices = {
        f"only the last {what} counts": LAST,
        f"only the first {what} counts": FIRST,
        f"the last {what} is left out": BUT_LAST,
        f"the first {what} is left out": BUT_FIRST,
    }
    return [
        Fault(code, words, only(axis, index, name), quantities) for words, index in choices.items()
    ]


COUNTED = [
    *_counted("image", 0, "grad_output", GRADIENTS, "images-left-out"),
    *_counted("output channel", 1, "grad_output", GRADIENTS, "channels-left-out"),
    *_counted("input channel", 1, "x", ("output", "grad_weight"), "channels-left-out"),
    Fault(
        "upstream-missing",
        "the upstream gradient is never used: the result is that for an upstream gradient of ones",
        lambda problem: replace(problem, grad_output=np.ones_like(problem.grad_output)),
        GRADIENTS,
    ),
    Fault(
        "mean-of-batch",
        "the mean input of the batch is multiplied by its mean gradient; the sum of the "
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
        "the summed input of the batch is multiplied by its summed gradient; the sum of the "
        "images' products is wanted",
        lambda problem: replace(
            problem,
            x=problem.x.sum(axis=0, keepdims=True),
            grad_output=problem.grad_output.sum(axis=0, keepdims=True),
        ),
        ("grad_weight",),
    ),
]
