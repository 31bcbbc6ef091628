"""Classes without a parameter for the option by which a kind is another function."""

from __future__ import annotations

from typing import Literal, get_args, get_origin

import pytest

from cnnspec.compare.kinds import LAYERS
from cnnspec.report.check import render_check
from cnnspec.spec.layers import KINDS, BatchNorm, GlobalPool
from tests.compare.check.conftest import Check
from tests.compare.check.test_check import RIGHT

TEXT = """
import numpy as np

FACTOR, CUBIC = np.sqrt(2 / np.pi), 0.044715

class Greatest:
    def forward(self, x):
        self.x = x
        return x.max(axis=(2, 3), keepdims=True)
    def backward(self, grad):
        flat = self.x.reshape(*self.x.shape[:2], -1)
        on = np.arange(flat.shape[2]) == flat.argmax(axis=2)[:, :, None]
        return on.reshape(self.x.shape) * grad

class Evenly:
    def forward(self, x):
        self.shape = x.shape
        return x.mean(axis=(2, 3), keepdims=True)
    def backward(self, grad):
        return np.broadcast_to(grad, self.shape) / (self.shape[2] * self.shape[3])

class WithTies(Greatest):
    def backward(self, grad):
        return (self.x == self.x.max(axis=(2, 3), keepdims=True)) * grad

class FromZero(WithTies):
    def forward(self, x):
        return np.maximum(super().forward(x), 0)

class Sum(Evenly):
    def forward(self, x):
        self.shape = x.shape
        return 3 * x.sum(axis=(2, 3), keepdims=True) ** 2
    def backward(self, grad):
        return np.broadcast_to(grad, self.shape) ** 3

class Smooth:
    def forward(self, x):
        self.x, self.t = x, np.tanh(FACTOR * (x + CUBIC * x**3))
        return x * (1 + self.t) / 2
    def backward(self, grad):
        steepness = FACTOR * (1 + 3 * CUBIC * self.x**2)
        return grad * (1 + self.t + self.x * (1 - self.t**2) * steepness) / 2

class Windowed:
    def __init__(self, kernel_size, stride):
        self.k, self.s = kernel_size, stride
    def windows(self, shape):
        for i, j in np.ndindex(shape[2:]):
            top, left = i * self.s, j * self.s
            yield i, j, (..., slice(top, top + self.k), slice(left, left + self.k))
    def forward(self, x):
        self.x = x
        y = np.zeros((*x.shape[:2], *((side - self.k) // self.s + 1 for side in x.shape[2:])))
        for i, j, at in self.windows(y.shape):
            y[:, :, i, j] = x[at].mean(axis=(2, 3))
        return y
    def backward(self, grad):
        dx = np.zeros_like(self.x)
        for i, j, at in self.windows(grad.shape):
            dx[at] += grad[:, :, i, j, None, None] / self.k**2
        return dx

class Norm:
    def __init__(self, in_shape, eps=1e-5):
        self.gamma, self.beta, self.eps = np.ones(in_shape), np.zeros(in_shape), eps
    def forward(self, x):
        self.axes = tuple(range(1, x.ndim))
        mean, var = x.mean(self.axes, keepdims=True), x.var(self.axes, keepdims=True)
        self.std = np.sqrt(var + self.eps)
        self.hat = (x - mean) / self.std
        return self.gamma * self.hat + self.beta
    def backward(self, grad):
        self.dgamma, self.dbeta = (grad * self.hat).sum(0), grad.sum(0)
        g = grad * self.gamma
        of_mean = g.mean(self.axes, keepdims=True)
        of_hat = (g * self.hat).mean(self.axes, keepdims=True)
        return (g - of_mean - self.hat * of_hat) / self.std

class NormOfCells:
    def __init__(self, num_channels, eps=1e-5):
        self.gamma, self.beta, self.eps = np.ones(num_channels), np.zeros(num_channels), eps
    def forward(self, x):
        self.shape = (-1,) + (1,) * (x.ndim - 2)
        mean, var = x.mean(1, keepdims=True), x.var(1, keepdims=True)
        self.std = np.sqrt(var + self.eps)
        self.hat = (x - mean) / self.std
        return self.gamma.reshape(self.shape) * self.hat + self.beta.reshape(self.shape)
    def backward(self, grad):
        axes = (0, *range(2, grad.ndim))
        self.dgamma, self.dbeta = (grad * self.hat).sum(axes), grad.sum(axes)
        g = grad * self.gamma.reshape(self.shape)
        of_hat = (g * self.hat).mean(1, keepdims=True)
        return (g - g.mean(1, keepdims=True) - self.hat * of_hat) / self.std

class Drops:
    def __init__(self, p=0.5):
        self.p = p
    def forward(self, x, training=True):
        if not training:
            return x
        self.mask = (np.random.random(x.shape[:2] + (1, 1)) >= self.p) / (1 - self.p)
        return x * self.mask
    def backward(self, grad):
        return grad * self.mask
"""


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("Greatest", "global_pool", "kind: max"),
        ("Evenly", "global_pool", "kind: avg"),
        ("Smooth", "gelu", "approximate: tanh"),
        ("Windowed", "pool", "kind: avg"),
        ("Drops", "dropout", "per: channel"),
        ("Norm", "layer_norm", "over: image"),
        ("NormOfCells", "layer_norm", "over: channels"),
    ],
)
def test_a_right_class_is_right_for_the_value_that_it_has(
    name: str, kind: str, value: str, check: Check
) -> None:
    checked = check(TEXT, name, kind)
    assert checked.ok
    option, _, wanted = value.partition(": ")
    assert checked.notes == (f"taken for: {value}",)
    settings = LAYERS[kind].tried(KINDS[kind])
    offered = {found.setting for found in checked.findings if found.offered}
    own = {each.name for each in settings if getattr(each.layer, option) == wanted}
    assert next(each.name for each in settings if each.name in own) in offered
    assert offered <= own
    others = {each.name for each in settings} - own
    because = {item.setting for item in checked.not_supported if item.option == option}
    assert because
    assert because <= others, "of those that it lacks besides, another reason may be given"
    lacks = [item for item in checked.not_supported if item.option == option]
    assert {item.why for item in lacks} == {f"{name} takes no `{option}`"}


@pytest.mark.parametrize(
    ("name", "causes"),
    [
        ("WithTies", {"ties-to-all"}),
        ("FromZero", {"ties-to-all", "starts-from-zero"}),
    ],
)
def test_a_wrong_class_is_judged_by_the_value_that_it_fits_better(
    name: str, causes: set[str], check: Check
) -> None:
    checked = check(TEXT, name, "global_pool")
    assert {found.cause.code for found in checked.findings if found.cause} == causes
    wanted = "taken for: kind: max, which it fits better than kind: avg"
    assert checked.notes == (wanted,)
    assert wanted in " ".join(" ".join(str(line) for line in render_check(checked)).split())


def test_a_class_that_fits_none_is_judged_by_the_default(check: Check) -> None:
    checked = check(TEXT, "Sum", "global_pool")
    assert checked.passed == 4
    assert checked.notes == ("taken for: kind: avg, the default: it fits kind: max no better",)


@pytest.mark.slow
def test_an_eps_that_is_built_in_is_read_off_the_numbers(check: Check) -> None:
    text = RIGHT.replace("num_features, eps=1e-5, momentum", "num_features, momentum")
    text = text.replace("self.eps, self.momentum = eps,", "self.eps, self.momentum = 1e-6,")
    assert text.count("1e-6") == 1
    checked = check(text, "BatchNorm", "batch_norm")
    assert checked.grade == "right"
    assert checked.notes[0] == "taken for: eps: 1e-06, which is built in"
    assert not check(text.replace("1e-6", "0"), "BatchNorm", "batch_norm").ok
    assert not check(text, "BatchNorm", "batch_norm", like=BatchNorm()).ok


def test_values_are_compared_in_the_same_settings(check: Check) -> None:
    """A maximum that fails in some of its settings is no average, which has fewer of its own."""
    text = TEXT.replace("x[at].mean(axis=(2, 3))", "x[at].max(axis=(2, 3))")
    text = text.replace(
        "self.x = x\n        y =", "assert x.shape[2] > 4\n        self.x = x\n        y ="
    )
    checked = check(text, "Windowed", "pool")
    assert checked.passed == 8
    assert "taken for: kind: max, which it fits better than kind: avg" in checked.notes


def test_what_is_said_is_what_is_judged(check: Check) -> None:
    checked = check(TEXT, "Greatest", "global_pool", like=GlobalPool())
    assert not checked.ok
    assert "Greatest takes no `kind`: kind avg is taken as built in" not in checked.notes
    assert check(TEXT, "Greatest", "global_pool", like=GlobalPool(kind="max")).ok


def test_a_class_that_takes_the_option_is_tried_with_every_value(check: Check) -> None:
    init = "class Greatest:\n    def __init__(self, kind='max'):\n        pass\n"
    checked = check(TEXT.replace("class Greatest:\n", init), "Greatest", "global_pool")
    assert {found.setting for found in checked.findings if not found.ok} == {
        "average",
        "average, one row of one channel",
    }
    assert checked.passed == 12
    assert checked.notes == ()


@pytest.mark.slow
def test_a_layout_is_named_for_the_value_that_a_class_has(check: Check) -> None:
    text = TEXT.replace("axis=(2, 3), keepdims=True", "axis=(0, 1), keepdims=True")
    checked = check(text, "Greatest", "global_pool")
    assert any(note.startswith("taken for --layout hwc:") for note in checked.notes)


def test_a_wrong_norm_of_images_is_judged_as_one(check: Check) -> None:
    checked = check(
        TEXT.replace("self.dgamma, self.dbeta = ", "self.dbeta, self.dgamma = "),
        "Norm",
        "layer_norm",
    )
    assert {found.setting for found in checked.findings if found.offered} == {
        "whole images",
        "whole images of one channel",
    }
    assert not checked.ok
    assert checked.notes == ("taken for: over: image, which it fits better than over: channels",)


def words_of(kind: str) -> list[str]:
    """Return the options that are one word of a few."""
    fields = KINDS[kind].model_fields.items()
    return [option for option, field in fields if get_origin(field.annotation) is Literal]


def test_every_option_that_is_one_of_a_few_words_may_be_built_in() -> None:
    found = {kind: [room.one_of] for kind, room in LAYERS.items() if room.one_of}
    assert found == {kind: words for kind in KINDS if (words := words_of(kind))}
    assert len(found) == 5


@pytest.mark.parametrize("kind", [kind for kind, room in LAYERS.items() if room.one_of])
def test_every_value_has_settings_those_of_the_default_first(kind: str) -> None:
    option = LAYERS[kind].one_of
    field = KINDS[kind].model_fields[option]
    values = dict.fromkeys(getattr(each.layer, option) for each in LAYERS[kind].settings)
    assert {*values} == {*get_args(field.annotation)}
    assert next(iter(values)) == field.default
