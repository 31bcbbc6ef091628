"""What a class takes is tried; what it leaves out is not offered, and may be required."""

from __future__ import annotations

import pytest

from cnnspec.compare.check import Checked, CheckFinding
from cnnspec.compare.check.offered import may_be_required
from cnnspec.compare.kinds import LAYERS
from cnnspec.errors import BackendError
from cnnspec.report.check import render_check
from cnnspec.spec.layers import KINDS, Pool
from tests.compare.check.conftest import Check

CONV = """
import numpy as np

class Conv:
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, bias=True):
        self.k, self.s = kernel_size, stride
        self.W = np.zeros((out_channels, in_channels, *self.pair(kernel_size)))
        self.b = np.zeros(out_channels) if bias else None
    def pair(self, size):
        return size if isinstance(size, tuple) else (size, size)
    def windows(self, shape):
        (kh, kw), (sh, sw) = self.W.shape[2:], self.pair(self.s)
        for i, j in np.ndindex(kh, kw):
            rows, columns = i + sh * shape[0], j + sw * shape[1]
            yield i, j, (..., slice(i, rows, sh), slice(j, columns, sw))
    def forward(self, x):
        self.x, (kh, kw), (sh, sw) = x, self.W.shape[2:], self.pair(self.s)
        self.at = (x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1
        y = np.zeros((len(x), len(self.W), *self.at))
        for i, j, at in self.windows(self.at):
            y += np.einsum("nchw,oc->nohw", x[at], self.W[:, :, i, j])
        return y if self.b is None else y + self.b[:, None, None]
    def backward(self, d):
        dx, self.dW = np.zeros_like(self.x), np.zeros_like(self.W)
        self.db = None if self.b is None else d.sum(axis=(0, 2, 3))
        for i, j, at in self.windows(self.at):
            self.dW[:, :, i, j] = np.einsum("nohw,nchw->oc", d, self.x[at])
            dx[at] += np.einsum("nohw,oc->nchw", d, self.W[:, :, i, j])
        return dx
"""

POOL = """
import numpy as np

class Pool:
    def __init__(self, pool_size, stride=None, padding=0, mode="max"):
        self.k, self.s, self.p, self.mode = pool_size, stride or pool_size, padding, mode
    def forward(self, x):
        k, s, p = self.k, self.s, self.p
        fill = -np.inf if self.mode == "max" else 0
        self.x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), constant_values=fill)
        h, w = ((side - k) // s + 1 for side in self.x.shape[2:])
        y = np.zeros((*x.shape[:2], h, w))
        for i, j in np.ndindex(h, w):
            at = self.x[:, :, i * s : i * s + k, j * s : j * s + k]
            y[:, :, i, j] = at.max((2, 3)) if self.mode == "max" else at.mean((2, 3))
        return y
    def backward(self, d):
        k, s, p = self.k, self.s, self.p
        dx = np.zeros_like(self.x)
        for n, c, i, j in np.ndindex(d.shape):
            at = (n, c, slice(i * s, i * s + k), slice(j * s, j * s + k))
            if self.mode == "max":
                dx[at].reshape(-1)  # a copy
                dx[at][np.unravel_index(self.x[at].argmax(), (k, k))] += d[n, c, i, j]
            else:
                dx[at] += d[n, c, i, j] / k**2
        return dx[:, :, p : dx.shape[2] - p, p : dx.shape[3] - p]
"""


def wrong(checked: Checked) -> set[tuple[str, str]]:
    return {(found.setting, found.quantity) for found in checked.findings if found.wrong}


def of(checked: Checked, setting: str) -> list[CheckFinding]:
    return [found for found in checked.findings if found.setting == setting]


def lacks(checked: Checked) -> set[str]:
    return {item.option for item in checked.not_supported}


def test_every_option_of_a_kind_has_a_setting() -> None:
    for kind, room in LAYERS.items():
        layer = KINDS.get(kind)
        if layer is None:  # no user writes it
            continue
        given = {option for each in room.tried(layer) for option in each.layer.model_fields_set}
        assert {*layer.model_fields} - given <= {"name", layer.input_width}, kind


@pytest.mark.parametrize("kind", KINDS)
def test_one_channel_and_one_feature_are_tried(kind: str) -> None:
    """Also one row or one column, and one image in each setting."""
    sizes = [each.input for each in LAYERS[kind].tried(KINDS[kind])]
    images = [size for size in sizes if len(size) == 3]
    assert not images or any(size[0] == 1 for size in images) or kind == "layer_norm"
    assert not images or any(1 in size[1:] or 2 in size[1:] for size in images)
    if KINDS[kind].takes != "images":
        features = [size for size in sizes if len(size) == 1]
        assert (1,) in features or not features or kind == "layer_norm"


def test_pairs_are_tried_where_a_class_takes_them(check: Check) -> None:
    checked = check(CONV, "Conv", "conv")
    assert (checked.grade, wrong(checked)) == ("right", set())
    assert all(found.ok for found in of(checked, "kernel 3 x 2"))
    assert all(found.ok for found in of(checked, "stride 1 x 2"))
    assert all(found.ok for found in of(checked, "no bias"))
    assert lacks(checked) == {"padding", "dilation", "groups"}
    assert len(checked.findings) == 89, "as many as for any other conv"


@pytest.mark.slow
def test_sides_that_are_mixed_up_are_wrong(check: Check) -> None:
    text = CONV.replace("j + sw * shape[1]", "j + sh * shape[1]").replace(
        "columns, sw", "columns, sh"
    )
    checked = check(text, "Conv", "conv")
    assert wrong(checked) >= {("stride 1 x 2", "output")}
    assert {setting for setting, _ in wrong(checked)} == {"stride 1 x 2"}


@pytest.mark.slow
def test_a_class_that_raises_on_every_pair_takes_one_number(check: Check) -> None:
    text = CONV.replace("return size if", "return [][0] if")
    checked = check(text, "Conv", "conv")
    assert (checked.grade, wrong(checked)) == ("right", set())
    assert "sides" in lacks(checked)
    assert "Conv takes one number for `kernel_size`" in {i.why for i in checked.not_supported}


@pytest.mark.slow
def test_sides_of_their_own_are_tried(check: Check) -> None:
    """A class that asks for both sides takes pairs, whatever it raises."""
    text = CONV.replace("kernel_size, stride=1, bias=True", "filter_h, filter_w")
    text = text.replace("self.k, self.s = kernel_size, stride", "self.s, bias = 1, True")
    text = text.replace("*self.pair(kernel_size)", "filter_h, filter_h + 0 * filter_w")
    checked = check(text, "Conv", "conv")
    assert ("kernel 3 x 2", "output") in wrong(checked)
    assert {setting for setting, _ in wrong(checked)} == {"kernel 3 x 2"}


def test_padding_and_both_kinds_of_a_pool_are_tried(check: Check) -> None:
    checked = check(POOL, "Pool", "pool")
    assert (checked.grade, wrong(checked)) == ("right", set())
    assert lacks(checked) == {"ceil_mode", "sides"}
    zeros = check(POOL.replace("fill = -np.inf", "fill = 0"), "Pool", "pool", require=["sides"])
    found = of(zeros, "padding 1")[0]
    assert found.cause is not None
    assert found.cause.code == "padding-wins"
    assert {setting for setting, _ in wrong(zeros)} == {
        *("padding 1", "padding 2", "kernel 3 x 2", "stride 1 x 2", "padding 1 x 0"),
        *("averages, kernel 3 x 2", "averages, stride 1 x 2"),
    }
    said = of(zeros, "kernel 3 x 2")
    assert said[0].message == "`sides` is required: Pool takes one number for `kernel_size`"
    assert [each.reached for each in said] == [True, False]


@pytest.mark.parametrize(
    ("old", "new", "setting"),
    [
        pytest.param("fill = -np.inf", "fill = -1000", "padding 2", marks=pytest.mark.slow),
        ("at.max((2, 3)) if", "np.maximum(at.max((2, 3)), -1000) if", "large numbers"),
        ("stride or pool_size, padding", "stride or pool_size, min(padding, 1)", "padding 2"),
        pytest.param(
            "stride or pool_size,",
            "min(stride or pool_size, 2),",
            "kernel 4, stride 3",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_is_right_of_small_values_alone_is_found(
    old: str, new: str, setting: str, check: Check
) -> None:
    assert old in POOL
    assert (setting, "output") in wrong(check(POOL.replace(old, new), "Pool", "pool"))


@pytest.mark.slow
def test_a_stride_of_a_conv_may_be_more_than_2(check: Check) -> None:
    text = CONV.replace("= kernel_size, stride", "= kernel_size, np.minimum(stride, 2)")
    checked = check(text.replace("isinstance(size, tuple)", "np.size(size) > 1"), "Conv", "conv")
    assert {setting for setting, _ in wrong(checked)} == {"stride 3"}


def test_what_is_not_given_is_not_tried(check: Check) -> None:
    checked = check(POOL, "Pool", "pool", like=Pool(kernel_size=2, padding=1))
    assert checked.grade == "right as far as tried"
    assert {item.option for item in checked.not_tried} == {"kind", "stride"}
    (first, second, *_) = (str(getattr(line, "text", line)) for line in render_check(checked))
    assert first == "RIGHT AS FAR AS TRIED: layers.py:Pool as pool: 6 of 6 right"
    assert second.startswith("not tried: ")


def test_what_nobody_has_cannot_be_required() -> None:
    from cnnspec.compare.check import check_class

    with pytest.raises(BackendError, match="--require pading: a conv has nothing called so; there"):
        check_class(__file__ + ":Conv", "conv", require=["pading"])
    assert {"padding", "sides", "bias"} <= {*may_be_required("conv")}
    assert may_be_required("batch_norm")[-3:] == ["features", "images", "evaluation"]


def test_a_class_that_is_made_in_no_setting_is_not_graded(check: Check) -> None:
    text = CONV.replace("self.k, self.s = kernel_size, stride", "self.k, self.s = k, stride")
    checked = check(text, "Conv", "conv")
    assert checked.grade is None
    assert checked.error.startswith("it cannot be made: NameError: name 'k' is not defined (line 6")


NORM_OF_FEATURES = """
import numpy as np

class Norm:
    def __init__(self, n_features):
        self.gamma, self.beta = np.ones(n_features), np.zeros(n_features)
        self.running_mean, self.running_var = np.zeros(n_features), np.ones(n_features)
    def forward(self, x):
        m = len(x)
        mean, var = x.mean(axis=0), x.var(axis=0)
        self.running_mean = 0.9 * self.running_mean + 0.1 * mean
        self.running_var = 0.9 * self.running_var + 0.1 * var * m / (m - 1)
        self.root = np.sqrt(var + 1e-5)
        self.z = (x - mean) / self.root
        return self.gamma * self.z + self.beta
    def backward(self, d):
        self.dgamma, self.dbeta = (d * self.z).sum(axis=0), d.sum(axis=0)
        g = d * self.gamma
        return (g - g.mean(axis=0) - self.z * (g * self.z).mean(axis=0)) / self.root
"""


def test_one_channel_does_not_say_what_a_class_is_over(check: Check) -> None:
    """It does not raise on images of one channel."""
    checked = check(NORM_OF_FEATURES, "Norm", "batch_norm")
    assert checked.grade == "right"
    assert "images" in lacks(checked)


NORM_OF_ROWS = """
import numpy as np

def layernorm_forward(x, gamma, beta, eps):
    root = np.sqrt(x.var(axis=1, keepdims=True) + eps)
    z = (x - x.mean(axis=1, keepdims=True)) / root
    return gamma * z + beta, (z, gamma, root)

def layernorm_backward(d, cache):
    z, gamma, root = cache
    g = d * gamma
    means = g.mean(axis=1, keepdims=True) + z * (g * z).mean(axis=1, keepdims=True)
    return (g - means) / root, (d * z).sum(axis=0), d.sum(axis=0)
"""


def test_a_function_of_rows_is_made_for_features_alone(check: Check) -> None:
    """Whole images of one shape fit it, too, and say nothing of the others."""
    checked = check(NORM_OF_ROWS, "layernorm_forward", "layer_norm")
    assert checked.ok
    assert {"images", "over"} <= lacks(checked)
