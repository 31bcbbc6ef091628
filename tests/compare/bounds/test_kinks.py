"""Decisions that rounding may turn are counted, each by the budget of what it decides on."""

import numpy as np

from cnnspec import ModelSpec, parse_spec, resolve
from cnnspec.compare import parse_backend
from cnnspec.compare.bounds.kinks import kinks_of
from cnnspec.compare.replay.probes import probes_of
from cnnspec.compare.sides.isolation import Isolation
from cnnspec.compare.sides.side import probe_weights
from cnnspec.compare.verdict import Kinks
from cnnspec.data import Split

CHOICES = parse_backend("numpy"), parse_backend("loops")


def found_kinks(spec: ModelSpec, images: np.ndarray, **weights: np.ndarray) -> tuple[Kinks, ...]:
    plan = resolve(spec)
    given = probe_weights(plan, 0) | {
        name.replace("__", "."): array.astype(np.float32) for name, array in weights.items()
    }
    isolation = Isolation(plan, spec.training, CHOICES, given)
    batch = Split(images.astype(np.float32), np.zeros(len(images), np.int64))
    return kinks_of(isolation, probes_of(isolation, batch).layers)


def kinks(spec: ModelSpec, images: np.ndarray, **weights: np.ndarray) -> dict[str, tuple[int, int]]:
    found = found_kinks(spec, images, **weights)
    return {kink.layer: (kink.decisions, kink.near) for kink in found}


def test_relu_near_0_within_the_budget_of_the_layer_before() -> None:
    spec = parse_spec("input: [1, 1, 3]\nlayers: [flatten, {linear: {out_features: 3}}, relu]")
    image = np.array([[[[1.0, 1.0, 1.0]]]])
    weights = np.array([[1.0, -1.0, 0.0], [1.0, -1.0, 1e-3], [1.0, -1.0, 1e-8]])
    found = kinks(spec, image, linear1__weight=weights, linear1__bias=np.zeros(3))
    assert found == {"relu1": (3, 2)}, "1e-3 is far beyond what rounds 1 - 1, 0 and 1e-8 are not"


def test_pixels_are_exact_and_decide_nothing_near() -> None:
    spec = parse_spec("input: [1, 2, 2]\nlayers: [relu, {pool: {kernel_size: 2}}, flatten]")
    found = kinks(spec, np.array([[[[0.0, 1.0], [1.0, -1.0]]]]))
    assert found == {"relu1": (4, 0), "pool1": (1, 0)}


def test_equal_maxima_of_a_product_are_near_and_of_a_relu_that_is_0_are_not() -> None:
    spec = parse_spec("""
input: [1, 2, 4]
layers:
  - conv: {out_channels: 1, kernel_size: 1}
  - relu
  - pool: {kernel_size: 2}
  - flatten
""")
    image = np.array([[[[3.0, 3.0, -3.0, -3.0], [1.0, 2.0, -1.0, -2.0]]]])
    found = kinks(spec, image, conv1__weight=np.full((1, 1, 1, 1), 0.1), conv1__bias=np.zeros(1))
    assert found == {"relu1": (8, 0), "pool1": (2, 1)}


def test_padding_is_never_near_the_maximum() -> None:
    spec = parse_spec("""
input: [1, 2, 2]
layers:
  - conv: {out_channels: 1, kernel_size: 1}
  - pool: {kernel_size: 3, stride: 2, padding: 1, ceil_mode: true}
  - flatten
""")
    image = np.array([[[[1.0, 2.0], [4.0, 8.0]]]])
    found = kinks(spec, image, conv1__weight=np.ones((1, 1, 1, 1)), conv1__bias=np.zeros(1))
    windows = int(np.prod(resolve(spec).layer("pool1").output))
    assert found == {"pool1": (windows, 0)}


def test_kinds_that_decide_and_none_other() -> None:
    spec = parse_spec("""
input: [1, 5, 5]
layers:
  - conv: {out_channels: 2, kernel_size: 2}
  - leaky_relu
  - leaky_relu: {negative_slope: 1}
  - gelu
  - pool: {kernel_size: 2, kind: avg}
  - parallel: {merge: add, paths: [[relu], [pool: {kernel_size: 1}]]}
  - global_pool: {kind: max}
  - flatten
""")
    found = found_kinks(spec, np.ones((1, 1, 5, 5)))
    assert [(kink.layer, kink.decider) for kink in found] == [
        ("leaky_relu1", "leaky relu"),
        ("parallel1.paths.0.relu1", "relu"),
        ("parallel1.paths.1.pool1", "max pool"),
        ("global_pool1", "global max pool"),
    ]
