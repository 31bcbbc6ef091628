"""Pools with `ceil_mode`, and without: torch is asked about thousands of settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

from cnnspec.backends import BACKENDS, build
from cnnspec.compare import compare_backends, selftest
from cnnspec.compare.planted.pool import POOL
from cnnspec.numerics.budget import sum_budget
from cnnspec.plan import resolve
from cnnspec.spec.layers import Flatten, Linear, Pool
from cnnspec.spec.layers.window import Windows
from cnnspec.spec.load import parse_spec
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.training import Precision, Training
from cnnspec.trace import Array
from tests.cases import Exact, assert_within

if TYPE_CHECKING:
    import torch


def torchs_pool(kind: str) -> Callable[..., torch.Tensor]:
    from torch.nn import functional

    pools = {"max": functional.max_pool2d, "avg": functional.avg_pool2d}
    return pools[kind]


class Axis(NamedTuple):
    """A setting along one axis, and the cells of the input."""

    size: int
    kernel: int
    stride: int
    padding: int

    @property
    def windows(self) -> Windows:
        return Windows(
            "height", self.kernel, self.stride, (self.padding, self.padding), ceil_mode=True
        )


AXES = [
    Axis(size, kernel, stride, padding)
    for size, kernel, stride in product(range(1, 11), range(1, 8), range(1, 8))
    for padding in range(kernel // 2 + 1)
]

LARGER_THAN_THE_INPUT = [
    axis
    for axis in AXES
    if axis.size + 2 * axis.padding < axis.kernel and axis.windows.count(axis.size)
]
"""Those whose only window is larger than the padded input: torch keeps it, in ceil_mode."""


def setting(height: Axis, width: Axis, ceil_mode: bool) -> dict[str, Any]:
    return {
        "kernel_size": (height.kernel, width.kernel),
        "stride": (height.stride, width.stride),
        "padding": (height.padding, width.padding),
        "ceil_mode": ceil_mode,
    }


def pairs(axes: list[Axis], apart: int) -> Iterator[tuple[Axis, Axis]]:
    """Put each axis beside another one."""
    yield from zip(axes, axes[apart:] + axes[:apart])


def torchs_shape(kind: str, size: tuple[int, int], options: dict[str, Any]) -> tuple[int, ...]:
    import torch

    try:
        return tuple(torchs_pool(kind)(torch.zeros(1, 1, *size), **options).shape[1:])
    except RuntimeError:
        return ()


@pytest.mark.torch
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("kind", ["max", "avg"])
def test_torch_takes_and_gives_the_same_shapes(kind: str, ceil_mode: bool) -> None:
    taken = 0
    for height, width in pairs(AXES, 101):
        options = setting(height, width, ceil_mode)
        pool = Pool.model_validate({"kind": kind, **options})
        shape = (1, height.size, width.size)
        wanted = torchs_shape(kind, shape[1:], options)
        found = () if list(pool.problems(shape)) else pool.outline(shape)
        assert found == wanted, (shape, options)
        taken += bool(wanted)
    assert len(AXES) > 1300
    assert taken > 700


def test_many_settings_have_a_window_that_is_larger_than_the_input() -> None:
    assert len(LARGER_THAN_THE_INPUT) > 100
    assert Axis(2, 3, 4, 0) in LARGER_THAN_THE_INPUT


VALUES = [
    *pairs(LARGER_THAN_THE_INPUT, 1),
    *zip(LARGER_THAN_THE_INPUT, AXES[3::5]),
    *zip(AXES[::7], AXES[5::11]),
]


def torchs(kind: str, x: Array, grad: Array, options: dict[str, Any]) -> list[Exact]:
    """Return torch's output and input gradient, in float64."""
    import torch

    images = torch.from_numpy(x.astype(np.float64)).requires_grad_()
    y = torchs_pool(kind)(images, **options)
    y.backward(torch.from_numpy(grad.astype(np.float64)))
    assert images.grad is not None
    return [y.detach().numpy(), images.grad.numpy()]


@pytest.mark.torch
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_torchs_functions_give_the_same_numbers(
    every: int, backend: str, kind: str, precision: Precision
) -> None:
    """Values, gradients, and the divisor of an average that reaches over the edge."""
    random, tried = np.random.default_rng(0), 0
    for height, width in VALUES[::every]:
        options = setting(height, width, True)
        pool = Pool.model_validate({"kind": kind, "name": "pool", **options})
        shape = (2, height.size, width.size)
        if list(pool.problems(shape)):
            continue
        plan = resolve(ModelSpec(input=shape, layers=[pool, Flatten(), Linear(out_features=2)]))
        at = plan.layer("pool")
        x = (random.integers(-3, 4, (3, *shape)) / 4).astype(precision)  # with many ties
        grad = random.integers(-9, 10, (3, *at.output)).astype(precision)
        found = build(plan, Training(precision=precision), backend).replay("pool", [x], grad)
        wanted = torchs(kind, x, grad, options)
        sizes = torchs(kind, np.abs(x), np.abs(grad), options)
        roundings = at.layer.reductions(at.input, at.output, 3)
        for quantity, array, exact, size in zip(
            ("output", "grad_input"), (found.output, found.grad_input), wanted, sizes
        ):
            k = 0 if kind == "max" else roundings[quantity]  # such numbers are added exactly
            budget = 2 * sum_budget(k, size, exact, precision)
            assert_within(array, exact, budget, f"{quantity} of {pool} on {shape}")
        tried += 1
    assert tried > 150 // every


@pytest.mark.torch
@pytest.mark.parametrize("kind", ["max", "avg"])
def test_predictions_are_the_same(kind: str) -> None:
    """Predictions pool otherwise than training does, a few images otherwise than many."""
    import torch

    random = np.random.default_rng(1)
    for height, width in VALUES[::5]:
        options = setting(height, width, True)
        pool = Pool.model_validate({"kind": kind, **options})
        shape = (2, height.size, width.size)
        if list(pool.problems(shape)):
            continue
        plan = resolve(ModelSpec(input=shape, layers=[pool, Flatten()]))
        images = random.normal(size=(20, *shape))
        exact = torchs_pool(kind)(torch.from_numpy(images), **options).flatten(1).numpy()
        for backend in BACKENDS:
            network = build(plan, Training(precision="float64"), backend)
            for few in (images[:3], images):
                budget = np.full((len(few), exact.shape[1]), 1e-13)
                assert_within(network.predict(few), exact[: len(few)], budget, f"{backend} {pool}")


SPECS = {
    "issue": ([1, 2, 9], "kernel_size: [3, 1], stride: [4, 2]"),
    "padded": ([2, 2, 7], "kernel_size: [5, 3], stride: [6, 2], padding: [1, 1]"),
    "both axes": ([3, 3, 4], "kernel_size: [4, 5], stride: [3, 4]"),
}


def text_of(name: str, kind: str) -> str:
    shape, options = SPECS[name]
    return f"""
input: {shape}
layers:
  - conv: {{out_channels: 16, kernel_size: 3, padding: 1}}
  - relu
  - pool: {{kind: {kind}, {options}, ceil_mode: true}}
  - flatten
  - linear: {{out_features: 3}}
training: {{batch_size: 4}}
"""


OFTEN = [("issue", "avg"), ("both axes", "max")]


def each(often: list[tuple[str, str]]) -> list[Any]:
    """Return a case of every window; of comparisons, which take seconds, few are made each time."""
    return [
        pytest.param(name, kind, marks=[pytest.mark.slow] * ((name, kind) not in often))
        for name in SPECS
        for kind in ("max", "avg")
    ]


@pytest.mark.parametrize("backends", [("numpy", "torch"), ("numpy", "loops")], ids=str)
@pytest.mark.parametrize(("name", "kind"), each(OFTEN))
def test_the_referee_says_same(name: str, kind: str, backends: tuple[str, str]) -> None:
    verdict = compare_backends(parse_spec(text_of(name, kind)), backends, mode="replay")
    assert verdict.verdict == "same"
    assert not verdict.findings


@pytest.mark.torch
@pytest.mark.parametrize(("name", "kind"), each(OFTEN[:1]))
def test_planted_faults_are_found_on_such_windows(
    name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = parse_spec(text_of(name, kind))
    monkeypatch.setattr(selftest, "SPECS", [spec])
    found = selftest.run_selftest(clean=0, faults=POOL.faults)
    assert found.planted >= 5
    assert [trial.why_missed for trial in found.trials if not trial.localised] == []
    assert found.accused == found.planted
