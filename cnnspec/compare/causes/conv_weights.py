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
        weight_change(lambda weight: weight.swapaxes(0, 1)),
        OF_WEIGHT,
    ),
    Fault(
        "weight-reshaped",
        "the expected one with the weight reshaped where it should be transposed",
        weight_change(_reread),
        OF_WEIGHT,
    ),
    Fault(
        "weight-reshaped",
        "the expected one with the weight transposed and then reshaped back",
        weight_change(_laid_out),
        OF_WEIGHT,
    ),
    Fault(
        "weight-order",
        "the expected one with the weight's outputs in reversed order",
        weight_change(lambda weight: weight[::-1]),
        OF_WEIGHT,
    ),
    Fault(
        "weight-order",
        "the expected one with the weight's inputs in reversed order",
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
        f"the last {what} alone counted": LAST,
        f"the first {what} alone counted": FIRST,
        f"the last {what} left out": BUT_LAST,
        f"the first {what} left out": BUT_FIRST,
    }
    return [
        Fault(code, f"the expected one with {words}", only(axis, index, name), quantities)
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
