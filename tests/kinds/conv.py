"""Convolutions: settings, conventions by hand, and faults that are named, written with loops."""

from __future__ import annotations

import numpy as np
import pytest

from cnnspec.compare.faults.fault import LayerSituation
from cnnspec.errors import ShapeError
from cnnspec.numerics.budget import Exact
from cnnspec.spec.layers import Conv
from cnnspec.spec.sizes import pair
from tests.cases import Case, each_backend, run
from tests.compare.causes.layer_probes import (
    Faulty,
    Setting,
    bias_of,
    of_last_image,
    setting,
    weight_of,
    with_gradient,
    with_weight,
    with_x,
)
from tests.room import LayerRoom

# torch says so once, of every `padding: same` that adds an odd number of cells.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")

CASES = {
    "plain": Case(Conv(out_channels=3, kernel_size=3), (2, 5, 4)),
    "wide-image": Case(Conv(out_channels=2, kernel_size=2), (1, 2, 7)),
    "one-pixel": Case(Conv(out_channels=2, kernel_size=1), (3, 1, 1)),
    "1x1": Case(Conv(out_channels=4, kernel_size=1), (3, 3, 2)),
    "1x1-stride": Case(Conv(out_channels=2, kernel_size=1, stride=2), (2, 5, 4)),
    "1x1-padding": Case(Conv(out_channels=2, kernel_size=1, padding=1), (2, 2, 3)),
    "kernel-as-input": Case(Conv(out_channels=3, kernel_size=(4, 3)), (2, 4, 3)),
    "kernel-as-padded-input": Case(Conv(out_channels=2, kernel_size=(4, 5), padding=1), (2, 2, 3)),
    "tall-kernel": Case(Conv(out_channels=2, kernel_size=(3, 1)), (2, 5, 3)),
    "wide-kernel": Case(Conv(out_channels=2, kernel_size=(1, 3)), (2, 3, 5)),
    "even-kernel": Case(Conv(out_channels=2, kernel_size=(2, 4), padding=1), (2, 3, 4)),
    "stride": Case(Conv(out_channels=2, kernel_size=3, stride=2), (2, 7, 5)),
    "stride-tall": Case(Conv(out_channels=2, kernel_size=2, stride=(2, 1)), (2, 5, 4)),
    "stride-wide": Case(Conv(out_channels=2, kernel_size=2, stride=(1, 3)), (2, 3, 7)),
    "stride-leaves-cells": Case(Conv(out_channels=2, kernel_size=2, stride=2), (2, 5, 7)),
    "stride-over-kernel": Case(Conv(out_channels=2, kernel_size=1, stride=(3, 2)), (2, 5, 6)),
    "stride-over-kernel-padded": Case(
        Conv(out_channels=2, kernel_size=2, stride=3, padding=1), (2, 6, 5)
    ),
    "padding": Case(Conv(out_channels=2, kernel_size=3, padding=1), (2, 4, 3)),
    "padding-tall": Case(Conv(out_channels=2, kernel_size=3, padding=(2, 0)), (2, 2, 5)),
    "padding-wide": Case(Conv(out_channels=2, kernel_size=3, padding=(0, 2)), (2, 4, 2)),
    "padding-over-kernel": Case(Conv(out_channels=2, kernel_size=2, padding=3), (1, 2, 3)),
    "same": Case(Conv(out_channels=2, kernel_size=3, padding="same"), (2, 4, 3)),
    "same-even": Case(Conv(out_channels=2, kernel_size=2, padding="same"), (2, 3, 4)),
    "same-even-tall": Case(Conv(out_channels=2, kernel_size=(4, 3), padding="same"), (2, 5, 3)),
    "same-even-wide": Case(Conv(out_channels=2, kernel_size=(1, 4), padding="same"), (2, 2, 5)),
    "same-1x1": Case(Conv(out_channels=2, kernel_size=1, padding="same"), (2, 3, 2)),
    "same-over-input": Case(Conv(out_channels=2, kernel_size=5, padding="same"), (2, 2, 3)),
    "same-dilation": Case(
        Conv(out_channels=2, kernel_size=3, padding="same", dilation=2), (2, 4, 5)
    ),
    "same-even-dilation": Case(
        Conv(out_channels=2, kernel_size=2, padding="same", dilation=(3, 1)), (2, 4, 3)
    ),
    "dilation": Case(Conv(out_channels=2, kernel_size=2, dilation=2), (2, 5, 4)),
    "dilation-tall": Case(Conv(out_channels=2, kernel_size=(3, 2), dilation=(2, 1)), (2, 6, 3)),
    "dilation-wide": Case(Conv(out_channels=2, kernel_size=2, dilation=(1, 3)), (2, 3, 6)),
    "dilation-stride-padding": Case(
        Conv(out_channels=2, kernel_size=(3, 2), stride=(1, 2), padding=(2, 1), dilation=(2, 3)),
        (2, 4, 6),
    ),
    "groups": Case(Conv(out_channels=4, kernel_size=2, groups=2), (4, 3, 4)),
    "groups-fewer-outputs": Case(Conv(out_channels=2, kernel_size=2, groups=2), (6, 3, 3)),
    "groups-stride-padding": Case(
        Conv(out_channels=6, kernel_size=(3, 2), stride=2, padding=1, groups=3), (3, 4, 5)
    ),
    "depthwise": Case(Conv(out_channels=3, kernel_size=3, padding=1, groups=3), (3, 3, 4)),
    "depthwise-multiplier": Case(Conv(out_channels=6, kernel_size=2, groups=3), (3, 3, 4)),
    "depthwise-same-even": Case(
        Conv(out_channels=2, kernel_size=2, padding="same", groups=2), (2, 4, 3)
    ),
    "no-bias": Case(Conv(out_channels=3, kernel_size=2, bias=False), (2, 4, 3)),
    "no-bias-groups": Case(
        Conv(out_channels=4, kernel_size=2, stride=2, groups=2, bias=False), (2, 5, 4)
    ),
    "written-channels": Case(Conv(out_channels=2, kernel_size=2, in_channels=3), (3, 3, 3)),
    "everything": Case(
        Conv(
            out_channels=4,
            kernel_size=(2, 3),
            stride=(2, 1),
            padding=(1, 2),
            dilation=(3, 2),
            groups=2,
            bias=False,
        ),
        (4, 6, 5),
    ),
}

SAME = setting(Conv(out_channels=3, kernel_size=3, padding=1), (2, 5, 4))
EVEN = setting(Conv(out_channels=2, kernel_size=(2, 4), padding="same"), (2, 5, 6))
STRIDE = setting(Conv(out_channels=3, kernel_size=3, stride=2, padding=1), (2, 7, 6))
STRIDES = setting(Conv(out_channels=2, kernel_size=2, stride=(1, 2)), (2, 6, 6))
DILATED = setting(Conv(out_channels=3, kernel_size=2, dilation=2), (2, 5, 6))
GROUPS = setting(Conv(out_channels=6, kernel_size=2, groups=3), (6, 4, 5))
OVER_THE_EDGE = setting(Conv(out_channels=3, kernel_size=3, stride=2, padding=1), (2, 3, 3))
"""Each of its windows reaches over the edge of the image."""
NO_BIAS = setting(Conv(out_channels=2, kernel_size=2, bias=False), (2, 4, 5))
SQUARE = setting(Conv(out_channels=3, kernel_size=(3, 2)), (3, 5, 6))

PROBED = {
    "plain": SAME,
    "wide": setting(Conv(out_channels=4, kernel_size=(2, 3), stride=2), (4, 6, 8)),
    "groups": setting(Conv(out_channels=4, kernel_size=2, groups=2), (4, 4, 5)),
}


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


def but_last_window(array: Exact) -> Exact:
    found = array.copy()
    found[..., -1, -1] = 0
    return found


FAULTS: list[tuple[Setting, str, Faulty, str]] = [
    (SAME, "output", lambda at, y: conv(at, weight=weight_of(at)[FLIP]), "flipped-kernel"),
    # So it would be if all windows over the edge were left out, too.
    (OVER_THE_EDGE, "grad_bias", lambda at, y: 0 * y["grad_bias"], "all-zeros"),
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
    (
        GROUPS,
        "grad_input",
        lambda at, y: y["grad_input"].reshape(-1, 3, 2, 4, 5).swapaxes(1, 2).reshape(at.x.shape),
        "groups-order",
    ),
    (NO_BIAS, "output", lambda at, y: y["output"] + [[[1.5]], [[-2.0]]], "bias-flag-ignored"),
    (
        SAME,
        "grad_input",
        lambda at, y: with_gradient(at, but_last_window(at.grad_output))["grad_input"],
        "windows-left-out",
    ),
    (SAME, "output", lambda at, y: but_last_window(y["output"]), "windows-left-out"),
    (SAME, "grad_weight", lambda at, y: of_last_image(at, "grad_weight"), "images-left-out"),
    (SAME, "grad_bias", lambda at, y: at.grad_output[-1].sum(axis=(1, 2)), "images-left-out"),
    (SAME, "grad_bias", lambda at, y: at.grad_output.sum(axis=(0, 1, 3)), "bias-sum"),
    (SAME, "grad_bias", lambda at, y: np.asarray(at.grad_output.sum()), "bias-sum"),
    (SAME, "grad_bias", lambda at, y: np.full(3, at.grad_output.sum()), "bias-sum"),
    (SAME, "grad_bias", lambda at, y: at.grad_output.sum(axis=0), "bias-sum"),
    (SAME, "grad_bias", lambda at, y: at.grad_output[..., 0, 0].sum(axis=0), "windows-left-out"),
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
        SAME,
        "grad_weight",
        lambda at, y: y["grad_weight"] + 0.3 * weight_of(at),
        "penalty-in-gradient",
    ),
]

CALLED = {
    **{"Conv2d": "conv", "conv2d": "conv"},
    "Conv2d(1, 8, 3)": "conv: {out_channels: 8, kernel_size: 3}",
    "nn.Conv2d(1, 8, (3, 5), 2, padding=1)": (
        "conv: {out_channels: 8, kernel_size: [3, 5], stride: 2, padding: 1}"
    ),
    "torch.nn.Conv2d(in_channels=1, out_channels=8, kernel_size=3, bias=False)": (
        "conv: {out_channels: 8, kernel_size: 3, bias: false}"
    ),
    "Conv2D(8, 3)": "conv: {out_channels: 8, kernel_size: 3}",
    "Conv2D(filters=8, kernel_size=3, use_bias=True)": (
        "conv: {out_channels: 8, kernel_size: 3, bias: true}"
    ),
}

ROOM = LayerRoom(CASES, PROBED, FAULTS, called=CALLED)


def test_sentence() -> None:
    cause = SAME.diagnose("output", lambda at, y: conv(at, weight=weight_of(at)[FLIP]))
    assert cause is not None
    assert cause.sentence == (
        "each kernel is flipped in space: this is a true convolution, and a correlation is wanted"
    )


def test_a_fault_on_one_probe_alone_is_not_another() -> None:
    def once(at: LayerSituation, y: dict[str, Exact]) -> Exact:
        return conv(at, bias=0 * bias_of(at)) if at.probe == "data" else y["output"] * 2

    assert SAME.diagnose("output", once) is None


# `padding: same`: stride 1; the odd cell goes to the bottom and to the right.


@each_backend
def test_same_pads_an_even_kernel_right_and_bottom(backend: str) -> None:
    wide = Conv(out_channels=1, kernel_size=(1, 2), padding="same", bias=False)
    output, grad_input = run(backend, wide, [[1, 2, 3]], [[1, 1, 1]], weight=[[1, 10]])
    assert output == [[21, 32, 3]]
    assert grad_input == [[1, 11, 11]]
    tall = Conv(out_channels=1, kernel_size=(2, 1), padding="same", bias=False)
    output, grad_input = run(backend, tall, [[1], [2], [3]], [[1], [1], [1]], weight=[[1], [10]])
    assert output == [[21], [32], [3]]
    assert grad_input == [[1], [11], [11]]


@each_backend
def test_same_splits_an_odd_padding_with_dilation(backend: str) -> None:
    # 3 cells: 1 on the left, 2 on the right. y[j] = x[j - 1] + 10 x[j + 2].
    conv = Conv(out_channels=1, kernel_size=(1, 2), dilation=3, padding="same", bias=False)
    output, _ = run(backend, conv, [[1, 2, 3, 4]], weight=[[1, 10]])
    assert output == [[30, 41, 2, 3]]


@each_backend
def test_same_splits_an_even_padding_in_half(backend: str) -> None:
    conv = Conv(out_channels=1, kernel_size=(1, 3), padding="same", bias=False)
    output, _ = run(backend, conv, [[1, 2, 3]], weight=[[1, 10, 100]])
    assert output == [[210, 321, 32]]


@pytest.mark.parametrize("stride", [2, (1, 2), (2, 1)])
def test_same_needs_stride_1(stride: int | tuple[int, int]) -> None:
    conv = Conv(out_channels=1, kernel_size=3, stride=stride, padding="same")
    with pytest.raises(ShapeError, match="needs `stride: 1`"):
        conv.output_shape((1, 5, 5))


@each_backend
def test_convolution_does_not_flip_the_kernel(backend: str) -> None:
    conv = Conv(out_channels=1, kernel_size=2, bias=False)
    output, grad_input = run(
        backend, conv, [[1, 2, 3], [4, 5, 6]], [[1, 10]], weight=[[1, 10], [100, 1000]]
    )
    assert output == [[5421, 6532]]
    assert grad_input == [[1, 20, 100], [100, 2000, 10000]]
