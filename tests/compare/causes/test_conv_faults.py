"""Faulty convolutions and linear layers, written with loops: each is named, on every probe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cnnspec.compare.budget import Exact
from cnnspec.compare.causes import LayerSituation
from cnnspec.spec.layers import Conv, Linear
from cnnspec.spec.sizes import pair
from tests.compare.causes.layer_probes import Faulty, Setting, right, setting

SAME = setting(Conv(out_channels=3, kernel_size=3, padding=1), (2, 5, 4))
EVEN = setting(Conv(out_channels=2, kernel_size=(2, 4), padding="same"), (2, 5, 6))
STRIDE = setting(Conv(out_channels=3, kernel_size=3, stride=2, padding=1), (2, 7, 6))
STRIDES = setting(Conv(out_channels=2, kernel_size=2, stride=(1, 2)), (2, 6, 6))
DILATED = setting(Conv(out_channels=3, kernel_size=2, dilation=2), (2, 5, 6))
GROUPS = setting(Conv(out_channels=6, kernel_size=2, groups=3), (6, 4, 5))
SQUARE = setting(Conv(out_channels=3, kernel_size=(3, 2)), (3, 5, 6))
LINEAR = setting(Linear(out_features=4), (6,))
SQUARE_LINEAR = setting(Linear(out_features=5), (5,))


def correlate(
    padded: Exact, weight: Exact, stride: tuple[int, int], dilation: tuple[int, int]
) -> Exact:
    """The sum over each window, without groups and without a bias."""
    outputs, _, *kernel = weight.shape
    counts = [
        (size - d * (k - 1) - 1) // s + 1
        for size, s, d, k in zip(padded.shape[2:], stride, dilation, kernel)
    ]
    y = np.zeros((len(padded), outputs, *counts))
    for n, o, i, j in np.ndindex(y.shape):
        for k, l in np.ndindex(*kernel):
            row, column = i * stride[0] + k * dilation[0], j * stride[1] + l * dilation[1]
            y[n, o, i, j] += weight[o, :, k, l] @ padded[n, :, row, column]
    return y


def conv(
    at: LayerSituation,
    *,
    weight: Exact | None = None,
    bias: Exact | None = None,
    pads: tuple[tuple[int, int], ...] | None = None,
    mode: str = "constant",
    stride: tuple[int, int] | None = None,
    dilation: tuple[int, int] | None = None,
) -> Exact:
    layer = at.at.layer
    assert isinstance(layer, Conv)
    padded = np.pad(at.x, ((0, 0), (0, 0), *(pads or layer.pads())), mode)
    used = at.parameters["weight"] if weight is None else weight
    added = at.parameters["bias"] if bias is None else bias
    y = correlate(padded, used, stride or pair(layer.stride), dilation or pair(layer.dilation))
    return y + added[:, None, None]


def weight_of(at: LayerSituation) -> Exact:
    return at.parameters["weight"]


def bias_of(at: LayerSituation) -> Exact:
    return at.parameters["bias"]


def with_weight(at: LayerSituation, weight: Exact) -> dict[str, Exact]:
    return right(replace(at, parameters={**at.parameters, "weight": weight}))


def with_gradient(at: LayerSituation, gradient: Exact) -> dict[str, Exact]:
    return right(replace(at, grad_output=gradient))


def with_x(at: LayerSituation, x: Exact) -> dict[str, Exact]:
    return right(replace(at, x=x))


def last_image(at: LayerSituation, quantity: str) -> Exact:
    total = np.zeros_like(weight_of(at)) if quantity == "grad_weight" else np.zeros(0)
    for n in range(len(at.x)):
        one = replace(at, x=at.x[n : n + 1], grad_output=at.grad_output[n : n + 1])
        total = right(one)[quantity]  # assigned, where it should be added
    return total


def overwritten(at: LayerSituation, order: int) -> Exact:
    """Each window is assigned to the gradient; in reversed scan order where `order` is -1."""
    layer, weight = at.at.layer, weight_of(at)
    assert isinstance(layer, Conv)
    (top, bottom), (left, after) = layer.pads()
    (sh, sw), (kh, kw) = pair(layer.stride), pair(layer.kernel_size)
    n, c, height, width = at.x.shape
    grad = np.zeros((n, c, height + top + bottom, width + left + after))
    windows = list(np.ndindex(at.grad_output.shape[2:]))[::order]
    for image in range(n):
        for i, j in windows:
            share = np.einsum("ockl,o->ckl", weight, at.grad_output[image, :, i, j])
            grad[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw] = share
    return grad[:, :, top : top + height, left : left + width]


def uncropped(at: LayerSituation) -> Exact:
    """The padding is cut off the gradient at the end alone."""
    layer, weight = at.at.layer, weight_of(at)
    assert isinstance(layer, Conv)
    (top, bottom), (left, after) = layer.pads()
    (sh, sw), (kh, kw) = pair(layer.stride), pair(layer.kernel_size)
    n, c, height, width = at.x.shape
    grad = np.zeros((n, c, height + top + bottom, width + left + after))
    for image, o, i, j in np.ndindex(at.grad_output.shape):
        window = (slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw))
        grad[(image, slice(None), *window)] += weight[o] * at.grad_output[image, o, i, j]
    return grad[:, :, :height, :width]


def without_edges(at: LayerSituation) -> Exact:
    """Windows over the padding are skipped."""
    gradient = at.grad_output.copy()
    gradient[:, :, 0] = gradient[:, :, -1] = gradient[:, :, :, 0] = gradient[:, :, :, -1] = 0
    return with_gradient(at, gradient)["grad_weight"]


def first_group_only(at: LayerSituation) -> Exact:
    weight, per_group = weight_of(at), weight_of(at).shape[1]
    y = correlate(at.x[:, :per_group], weight, (1, 1), (1, 1))
    return y + bias_of(at)[:, None, None]


def shuffled_groups(at: LayerSituation) -> Exact:
    """Group g takes the channels g, g + groups, g + 2 groups, ..."""
    weight = weight_of(at)
    found = []
    for o in range(6):
        group = o // 2
        found.append(correlate(at.x[:, group::3], weight[o : o + 1], (1, 1), (1, 1)))
    return np.concatenate(found, axis=1) + bias_of(at)[:, None, None]


def one_kept(array: Exact, axis: int, index: int | slice) -> Exact:
    kept = np.zeros_like(array)
    kept.swapaxes(0, axis)[index] = array.swapaxes(0, axis)[index]
    return kept


def without_last_column(at: LayerSituation, y: dict[str, Exact]) -> Exact:
    found = y["output"].copy()
    found[..., -1] = bias_of(at)[:, None]
    return found


FLIP = np.s_[:, :, ::-1, ::-1]

FAULTS: list[tuple[Setting, str, Faulty, str]] = [
    (SAME, "output", lambda at, y: conv(at, weight=weight_of(at)[FLIP]), "flipped-kernel"),
    (
        SAME,
        "output",
        lambda at, y: conv(at, weight=weight_of(at)[:, :, ::-1]),
        "flipped-kernel",
    ),
    (
        SAME,
        "output",
        lambda at, y: conv(at, weight=weight_of(at).swapaxes(2, 3)),
        "height-width-swapped",
    ),
    (
        SQUARE,
        "output",
        lambda at, y: conv(at, weight=weight_of(at).swapaxes(0, 1)),
        "weight-transposed",
    ),
    (
        SQUARE,
        "output",
        lambda at, y: conv(at, weight=weight_of(at).swapaxes(2, 3).reshape(weight_of(at).shape)),
        "weight-reshaped",
    ),
    (
        SAME,
        "grad_input",
        lambda at, y: with_weight(at, weight_of(at)[FLIP])["grad_input"],
        "flipped-kernel",
    ),
    (
        SAME,
        "output",
        lambda at, y: conv(
            at,
            weight=np.array([w.ravel().reshape(3, 3, 2).transpose(2, 0, 1) for w in weight_of(at)]),
        ),
        "weight-reshaped",
    ),
    (
        SAME,
        "output",
        lambda at, y: conv(at, weight=one_kept(weight_of(at), 2, slice(0, 2))),
        "taps-left-out",
    ),
    (SAME, "output", lambda at, y: without_last_column(at, y), "windows-left-out"),
    (SAME, "output", lambda at, y: one_kept(y["output"], 2, slice(0, 4)), "windows-left-out"),
    (SAME, "output", lambda at, y: conv(at, bias=0 * bias_of(at)), "bias-missing"),
    (SAME, "output", lambda at, y: conv(at, bias=2 * bias_of(at)), "bias-twice"),
    (STRIDE, "output", lambda at, y: conv(at, bias=-bias_of(at)), "bias-subtracted"),
    (LINEAR, "output", lambda at, y: y["output"] - bias_of(at), "bias-missing"),
    (LINEAR, "output", lambda at, y: y["output"] + 5 * bias_of(at), "bias-per-input-channel"),
    (
        SAME,
        "output",
        lambda at, y: y["output"] + 17 * bias_of(at)[:, None, None],
        "bias-per-term",
    ),
    (SAME, "output", lambda at, y: y["output"] + 8 * bias_of(at)[:, None, None], "bias-per-tap"),
    (
        SAME,
        "output",
        lambda at, y: conv(at, bias=np.full(3, bias_of(at)[0])),
        "bias-of-one-channel",
    ),
    (SAME, "output", lambda at, y: conv(at, mode="edge"), "padding-mode"),
    (SAME, "output", lambda at, y: conv(at, mode="reflect"), "padding-mode"),
    (SAME, "output", lambda at, y: conv(at, mode="wrap"), "padding-mode"),
    (SAME, "output", lambda at, y: conv(at, pads=((0, 0), (0, 0))), "padding-ignored"),
    (SAME, "output", lambda at, y: conv(at, pads=((0, 2), (0, 2))), "padding-other-side"),
    (SAME, "output", lambda at, y: conv(at, pads=((2, 0), (1, 1))), "shifted"),
    (
        EVEN,
        "output",
        lambda at, y: conv(at, pads=tuple((b, a) for a, b in at.at.layer.pads())),
        "padding-other-side",
    ),
    (SAME, "grad_weight", lambda at, y: without_edges(at), "padding-ignored"),
    (STRIDE, "output", lambda at, y: conv(at, stride=(1, 1)), "stride-ignored"),
    (STRIDE, "output", lambda at, y: conv(at, stride=(1, 1))[:, :, :4, :3], "stride-ignored"),
    (STRIDES, "output", lambda at, y: conv(at, stride=(2, 1)), "stride-swapped"),
    (STRIDES, "output", lambda at, y: conv(at, stride=(2, 2)), "stride-is-kernel"),
    (DILATED, "output", lambda at, y: conv(at, dilation=(1, 1)), "dilation-ignored"),
    (DILATED, "output", lambda at, y: conv(at, dilation=(1, 1))[:, :, :3, :4], "dilation-ignored"),
    (GROUPS, "output", lambda at, y: first_group_only(at), "groups-ignored"),
    (GROUPS, "output", lambda at, y: shuffled_groups(at), "groups-order"),
    (SAME, "grad_weight", lambda at, y: last_image(at, "grad_weight"), "images-left-out"),
    (LINEAR, "grad_weight", lambda at, y: last_image(at, "grad_weight"), "images-left-out"),
    (LINEAR, "grad_bias", lambda at, y: at.grad_output[0], "images-left-out"),
    (SAME, "grad_bias", lambda at, y: at.grad_output[-1].sum(axis=(1, 2)), "images-left-out"),
    (SAME, "grad_bias", lambda at, y: at.grad_output.sum(axis=(0, 1, 3)), "bias-sum"),
    (SAME, "grad_bias", lambda at, y: np.asarray(at.grad_output.sum()), "bias-sum"),
    (SAME, "grad_bias", lambda at, y: np.full(3, at.grad_output.sum()), "bias-sum"),
    (SAME, "grad_bias", lambda at, y: at.grad_output.sum(axis=0), "bias-sum"),
    (SAME, "grad_bias", lambda at, y: at.grad_output[..., 0, 0].sum(axis=0), "windows-left-out"),
    (LINEAR, "grad_bias", lambda at, y: at.grad_output.sum(axis=1), "bias-sum"),
    (SAME, "grad_input", lambda at, y: overwritten(at, 1), "overlaps-overwritten"),
    (SAME, "grad_input", lambda at, y: overwritten(at, -1), "overlaps-overwritten"),
    (STRIDE, "grad_input", lambda at, y: overwritten(at, 1), "overlaps-overwritten"),
    (SAME, "grad_input", lambda at, y: uncropped(at), "padding-ignored"),
    (STRIDE, "grad_input", lambda at, y: uncropped(at), "padding-ignored"),
    (
        SAME,
        "grad_input",
        lambda at, y: with_gradient(at, one_kept(at.grad_output, 1, -1))["grad_input"],
        "channels-left-out",
    ),
    (
        SAME,
        "output",
        lambda at, y: with_x(at, one_kept(at.x, 1, 0))["output"],
        "channels-left-out",
    ),
    (
        SAME,
        "grad_weight",
        lambda at, y: with_gradient(at, np.ones_like(at.grad_output))["grad_weight"],
        "upstream-missing",
    ),
    (
        LINEAR,
        "grad_weight",
        lambda at, y: np.outer(at.grad_output.mean(axis=0), at.x.mean(axis=0)),
        "mean-of-batch",
    ),
    (
        SQUARE_LINEAR,
        "output",
        lambda at, y: at.x @ weight_of(at) + bias_of(at),
        "weight-transposed",
    ),
    (
        LINEAR,
        "output",
        lambda at, y: at.x @ weight_of(at).reshape(6, 4) + bias_of(at),
        "weight-reshaped",
    ),
    (
        SQUARE_LINEAR,
        "grad_input",
        lambda at, y: at.grad_output @ weight_of(at).T,
        "weight-transposed",
    ),
    (
        LINEAR,
        "grad_weight",
        lambda at, y: y["grad_weight"] + 0.01 * weight_of(at),
        "penalty-in-gradient",
    ),
    (
        SAME,
        "grad_weight",
        lambda at, y: y["grad_weight"] + 0.3 * weight_of(at),
        "penalty-in-gradient",
    ),
]


@pytest.mark.parametrize(("layer", "quantity", "faulty", "code"), FAULTS)
def test_fault_is_named(layer: Setting, quantity: str, faulty: Faulty, code: str) -> None:
    cause = layer.diagnose(quantity, faulty)
    assert cause is not None
    assert cause.code == code, cause.sentence


def test_sentences() -> None:
    cause = SAME.diagnose("output", lambda at, y: conv(at, weight=weight_of(at)[FLIP]))
    assert cause is not None
    assert cause.sentence == (
        "each kernel is flipped in space: this is a true convolution, and a correlation is wanted"
    )
    cause = LINEAR.diagnose("grad_weight", lambda at, y: y["grad_weight"] + 0.01 * weight_of(at))
    assert cause is not None
    assert cause.sentence == (
        "0.01 times the weights is added to the layer's gradient, as by a penalty; the optimizer "
        "has the weight decay"
    )


def test_a_fault_on_one_probe_alone_is_not_another() -> None:
    def once(at: LayerSituation, y: dict[str, Exact]) -> Exact:
        return conv(at, bias=0 * bias_of(at)) if at.probe == "data" else y["output"] * 2

    assert SAME.diagnose("output", once) is None
