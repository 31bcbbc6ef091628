"""The budgets of batch norm hold for every sane way to compute it, and are narrow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cnnspec.backends import build
from cnnspec.compare.faults.fault import LayerSituation
from cnnspec.compare.kinds import LAYERS as KINDS
from cnnspec.numerics.budget import gamma
from cnnspec.plan import part, resolve
from cnnspec.randomness import stream
from cnnspec.spec.layers import BatchNorm, Flatten
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.training import Training
from cnnspec.trace import Array
from tests.cases import Exact, assert_within
from tests.covering import covering

CHANNELS = 3

Given = dict[str, Array]
"""x and grad_output, (n, c, h, w); weight, bias, running_mean and running_var, (c,)."""


def around(mean: float, deviation: float) -> Callable[[np.random.Generator, int], Array]:
    return lambda random, count: random.normal(mean, deviation, (count, CHANNELS))


def outlier(random: np.random.Generator, count: int) -> Array:
    values = random.normal(size=(count, CHANNELS))
    values[0] = 1e4
    return values


INPUTS: dict[str, Callable[[np.random.Generator, int], Array]] = {
    "normal": around(0, 1),
    "mean-far-from-0": around(1e3, 1),
    "mean-very-far": around(-1e6, 1),
    "tiny": around(0, 1e-12),
    "tiny-variance": around(1, 1e-5),
    "huge": around(1e10, 1e12),
    "zeros": lambda random, count: np.zeros((count, CHANNELS)),
    "constant": lambda random, count: np.full((count, CHANNELS), 0.1),
    "large-constant": lambda random, count: np.full((count, CHANNELS), 12345.678),
    "outlier": outlier,
    "sorted": lambda random, count: np.sort(random.normal(5, 1, (count, CHANNELS)), axis=0),
    "ties": lambda random, count: random.integers(-1, 2, (count, CHANNELS)).astype(float),
    "rectified": lambda random, count: np.maximum(random.normal(size=(count, CHANNELS)), 0),
}

SIZES = {"two": (2, 1, 1), "few": (3, 1, 2), "features": (64, 1, 1), "images": (7, 28, 28)}

LAYERS = {
    "plain": BatchNorm(name="layer"),
    "eps-and-momentum": BatchNorm(name="layer", eps=0.3, momentum=0.7),
    "tiny-eps": BatchNorm(name="layer", eps=1e-20, momentum=1.0),
    "no-momentum": BatchNorm(name="layer", momentum=0.0),
    "not-affine": BatchNorm(name="layer", affine=False),
}


def draw(layer: BatchNorm, values: str, size: tuple[int, int, int], seed: int) -> Given:
    """Draw what a layer is given: float32 numbers."""
    random = stream(seed, "norm", values, *size)
    n, height, width = size
    x = INPUTS[values](random, n * height * width).reshape(n, height, width, CHANNELS)
    given = {
        "x": np.moveaxis(x, -1, 1),
        "grad_output": random.normal(0.5, 1, (n, CHANNELS, height, width)),
        "running_mean": random.normal(size=CHANNELS),
        "running_var": random.uniform(0.5, 2, CHANNELS),
    }
    if layer.affine:
        given["weight"] = random.normal(1, 0.5, CHANNELS)
        given["bias"] = random.normal(size=CHANNELS)
    return {name: array.astype(np.float32) for name, array in given.items()}


def budgets(layer: BatchNorm, given: Given, precision: str) -> dict[str, Exact]:
    exact = {name: array.astype(np.float64) for name, array in given.items()}
    at = part(layer, "layer", exact["x"].shape[1:]).layers[0]
    parameters, buffers = (
        {name: exact[name] for name in names} for names in (at.parameters, at.buffers)
    )
    situation = LayerSituation(at, "", (exact["x"],), exact["grad_output"], parameters, buffers)
    return KINDS[at.kind].budgets(situation, precision)


def replayed(backend: str, layer: BatchNorm, given: Given, precision: str) -> dict[str, Array]:
    plan = resolve(ModelSpec(input=given["x"].shape[1:], layers=[layer, Flatten()]))
    network = build(plan, Training(precision=precision), backend)
    network.load_state({name: given[name.removeprefix("layer.")] for name in plan.state})
    found = network.replay("layer", [given["x"]], given["grad_output"])
    gradients = {f"grad_{name}": array for name, array in found.grad_parameters.items()}
    return {"output": found.output, "grad_input": found.grad_input, **gradients, **found.buffers}


def welford(layer: BatchNorm, given: Given, precision: str) -> dict[str, Array]:
    """Compute mean and variance value by value, the output as x * scale + shift (as GPUs do)."""
    number = np.dtype(precision).type
    x, grad = (
        np.moveaxis(given[name].astype(precision), 1, -1).reshape(-1, CHANNELS)
        for name in ("x", "grad_output")
    )
    m = len(x)
    mean, squares = np.zeros(CHANNELS, precision), np.zeros(CHANNELS, precision)
    for k, value in enumerate(x, start=1):
        before = value - mean
        mean = mean + before / number(k)
        squares = squares + before * (value - mean)
    variance = squares / number(m)
    root = np.sqrt(variance + number(layer.eps))
    ones, zeros = np.ones(CHANNELS, precision), np.zeros(CHANNELS, precision)
    weight, bias = given.get("weight", ones), given.get("bias", zeros)
    scale = weight.astype(precision) / root
    # Backwards step by step: through the product, the root, the variance and the mean.
    grad_z = grad * weight.astype(precision)
    grad_variance = (grad_z * (x - mean)).sum(axis=0) * number(-0.5) / (root * root * root)
    grad_mean = -(grad_z / root).sum(axis=0)
    grad_mean = grad_mean + grad_variance * (number(-2) * (x - mean)).mean(axis=0)
    grad_x = grad_z / root + grad_variance * number(2) * (x - mean) / number(m)
    grad_x = grad_x + grad_mean / number(m)
    new = {"running_mean": mean, "running_var": squares / number(m - 1)}
    rate = number(layer.momentum)
    found = {
        "output": _images(x * scale + (bias.astype(precision) - mean * scale), given),
        "grad_input": _images(grad_x, given),
        **{name: (1 - rate) * given[name].astype(precision) + rate * new[name] for name in new},
    }
    if layer.affine:
        found["grad_weight"] = (grad * x).sum(axis=0) / root - mean / root * grad.sum(axis=0)
        found["grad_bias"] = grad.sum(axis=0)
    return found


def _images(rows: Array, given: Given) -> Array:
    n, channels, height, width = given["x"].shape
    return np.moveaxis(rows.reshape(n, height, width, channels), -1, 1)


def torchs(layer: BatchNorm, given: Given, precision: str) -> dict[str, Array]:
    return replayed("torch", layer, given, precision)


def numpys(layer: BatchNorm, given: Given, precision: str) -> dict[str, Array]:
    return replayed("numpy", layer, given, precision)


def one_by_one(layer: BatchNorm, given: Given, precision: str) -> dict[str, Array]:
    """Compute the textbook's two passes, every sum one number after the other."""
    number = np.dtype(precision).type
    x, grad = (
        np.moveaxis(given[name].astype(precision), 1, -1).reshape(-1, CHANNELS)
        for name in ("x", "grad_output")
    )
    m = number(len(x))

    def total(terms: Array) -> Array:
        return np.add.accumulate(terms, axis=0)[-1]

    mean = total(x) / m
    squares = total((x - mean) ** 2)
    root = np.sqrt(squares / m + number(layer.eps))
    z = (x - mean) / root
    weight, bias = np.ones(CHANNELS, precision), np.zeros(CHANNELS, precision)
    if layer.affine:
        weight, bias = given["weight"].astype(precision), given["bias"].astype(precision)
    grad_x = weight * (grad - total(grad) / m - z * (total(grad * z) / m)) / root
    new = {"running_mean": mean, "running_var": squares / (m - number(1))}
    rate = number(layer.momentum)
    found = {
        "output": _images(weight * z + bias, given),
        "grad_input": _images(grad_x, given),
        **{name: (1 - rate) * given[name].astype(precision) + rate * new[name] for name in new},
    }
    if layer.affine:
        found |= {"grad_weight": total(grad * z), "grad_bias": total(grad)}
    return found


WAYS = {"torch": torchs, "numpy": numpys, "welford": welford, "one-by-one": one_by_one}


@pytest.mark.torch
@covering(values=[*INPUTS], layer=[*LAYERS], size=[*SIZES], way=[*WAYS])
def test_budgets_hold(values: str, layer: str, size: str, way: str) -> None:
    norm = LAYERS[layer]
    for seed in range(1 if size == "images" else 5):
        given = draw(norm, values, SIZES[size], seed)
        wanted = torchs(norm, given, "float64")
        own, truth = (budgets(norm, given, precision) for precision in ("float32", "float64"))
        for precision, bounds in (("float32", own), ("float64", truth)):
            found = WAYS[way](norm, given, precision)
            assert found.keys() == wanted.keys() == bounds.keys()
            for name, value in wanted.items():
                assert bounds[name].shape == value.shape
                assert_within(found[name], value, bounds[name] + truth[name], name)


CONDITIONED = ["normal", "ties", "rectified"]


@pytest.mark.torch
@pytest.mark.parametrize("size", ["features", "images"])
@pytest.mark.parametrize("values", CONDITIONED)
def test_budgets_are_narrow(values: str, size: str) -> None:
    """At most 64 times gamma_m of what is typical, where no mean is far above its deviation."""
    given = draw(LAYERS["plain"], values, SIZES[size], 0)
    n, height, width = SIZES[size]
    m = n * height * width
    wanted = torchs(LAYERS["plain"], given, "float64")
    for precision in ("float32", "float64"):
        found = budgets(LAYERS["plain"], given, precision)
        relative = 64 * gamma(m, precision)
        typical = np.abs(given["grad_output"]).mean()
        for name in ("output", "grad_input"):
            assert np.median(found[name]) < relative * np.abs(wanted[name]).mean()
        for name in ("grad_weight", "grad_bias"):
            assert np.all(found[name] < relative * m * typical)
        for name in ("running_mean", "running_var"):
            assert np.all(found[name] < relative * (1 + np.abs(wanted[name])))


def other_momentum(given: Given, wanted: dict[str, Array]) -> dict[str, Array]:
    """Return running statistics as they are where momentum weights the old value."""
    new = {name: (wanted[name] - 0.9 * given[name]) / 0.1 for name in RUNNING}
    return {name: 0.1 * given[name] + 0.9 * new[name] for name in RUNNING}


RUNNING = ("running_mean", "running_var")


@pytest.mark.torch
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("values", CONDITIONED)
def test_faults_are_beyond_the_budgets(values: str, size: tuple[int, int, int]) -> None:
    layer = LAYERS["plain"]
    given = draw(layer, values, size, 4)
    n, height, width = size
    m = n * height * width
    wanted, bounds = torchs(layer, given, "float64"), budgets(layer, given, "float64")
    mean, variance = given["x"].mean(axis=(0, 2, 3)), given["x"].astype(float).var(axis=(0, 2, 3))
    assert np.all(variance > 0)
    root = np.sqrt(variance + layer.eps)
    shape = (1, CHANNELS, 1, 1)
    weight, bias = given["weight"].reshape(shape), given["bias"].reshape(shape)
    z = (given["x"] - mean.reshape(shape)) / root.reshape(shape)
    by_unbiased = z * (root / np.sqrt(variance * m / (m - 1) + layer.eps)).reshape(shape)
    without_mean = given["grad_output"].mean(axis=(0, 2, 3)).reshape(shape) / root.reshape(shape)
    faults = {
        "biased variance runs": {"running_var": wanted["running_var"] - 0.1 * variance / (m - 1)},
        "momentum the other way round": other_momentum(given, wanted),
        "unbiased variance normalises": {"output": weight * by_unbiased + bias},
        "eps forgotten": {"output": weight * z * (root / np.sqrt(variance)).reshape(shape) + bias},
        "mean taken for a constant": {"grad_input": wanted["grad_input"] + weight * without_mean},
    }
    for fault, found in faults.items():
        for name, array in found.items():
            beyond = np.abs(array - wanted[name]) > 4 * bounds[name]
            assert beyond.any(), f"{fault}: {name} is within the budget"


def test_nothing_can_be_said_where_squares_overflow() -> None:
    given = draw(LAYERS["plain"], "normal", SIZES["few"], 0)
    given["x"] = given["x"] * np.float32(1e20)
    bounds = budgets(LAYERS["plain"], given, "float32")
    assert {name for name, bound in bounds.items() if np.all(bound == np.inf)} == {
        *("output", "grad_input", "grad_weight", "running_var")
    }
    assert np.all(np.isfinite(budgets(LAYERS["plain"], given, "float64")["output"]))
