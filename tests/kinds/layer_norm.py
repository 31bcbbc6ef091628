"""Layer norm: settings, numbers by hand, and faults that are named.

Normalised by the biased variance of the channels of each cell, or of the whole image.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnspec.backends import build
from cnnspec.compare.faults.fault import LayerSituation
from cnnspec.numerics.budget import Exact
from cnnspec.plan import part
from cnnspec.spec.layers import LayerNorm
from cnnspec.spec.training import Training
from tests.cases import Case, each_backend
from tests.compare.causes.layer_probes import Faulty, Setting, setting
from tests.room import LayerRoom

WHOLE = LayerNorm(over="image")

CASES = {
    "image": Case(LayerNorm(), (3, 2, 4)),
    "features": Case(LayerNorm(), (7,)),
    "whole-image": Case(WHOLE, (2, 3, 2)),
    "whole-features": Case(WHOLE, (5,)),
    "one-pixel": Case(LayerNorm(), (4, 1, 1)),
    "two-channels": Case(LayerNorm(eps=0.5), (2, 2, 3)),
    "eps": Case(LayerNorm(eps=0.5), (3, 2, 2)),
    "not-affine": Case(LayerNorm(elementwise_affine=False), (3, 2, 2)),
    "no-bias": Case(LayerNorm(bias=False), (3, 2, 2)),
    "whole-image-no-bias": Case(LayerNorm(over="image", bias=False), (2, 2, 2)),
    "written-channels": Case(LayerNorm(num_channels=3), (3, 2, 2)),
    "mean-far-from-0": Case(LayerNorm(), (3, 2, 4), mean=100.0),
}

EPS = 0.01
IMAGES, FEATURES = setting(LayerNorm(eps=EPS), (3, 4, 5)), setting(LayerNorm(eps=EPS), (6,))
IMAGE = setting(LayerNorm(over="image", eps=EPS), (3, 2, 4))
PROBED = {
    "images": setting(LayerNorm(), (3, 4, 5)),
    "features": setting(LayerNorm(), (6,)),
    "whole-images": setting(LayerNorm(over="image"), (3, 4, 5)),
}

CHANNELS = (1,)
ALL = (1, 2, 3)


def normalised(
    x: Exact, axes: tuple[int, ...], *, ddof: int = 0, eps: float = EPS, outside: float = 0
) -> Exact:
    mean = x.mean(axis=axes, keepdims=True)
    variance = x.var(axis=axes, keepdims=True, ddof=ddof)
    return (x - mean) / (np.sqrt(variance + eps) + outside)


def own(at: LayerSituation, name: str) -> Exact:
    array = at.parameters[name]
    return array.reshape(1, *array.shape, *[1] * (at.x.ndim - 1 - array.ndim))


def scaled(at: LayerSituation, z: Exact) -> Exact:
    return own(at, "weight") * z + own(at, "bias")


def output(at: LayerSituation, axes: tuple[int, ...] = CHANNELS, **options: float) -> Exact:
    return scaled(at, normalised(at.x, axes, **options))  # type: ignore[arg-type]


def upstream(at: LayerSituation) -> Exact:
    return own(at, "weight") * at.grad_output


def root(at: LayerSituation, axes: tuple[int, ...] = CHANNELS) -> Exact:
    found: Exact = np.sqrt(at.x.var(axis=axes, keepdims=True) + EPS)
    return found


def centred(array: Exact) -> Exact:
    return array - array.mean(axis=1, keepdims=True)


def variance_term(at: LayerSituation) -> Exact:
    z = normalised(at.x, CHANNELS)
    found: Exact = z * (upstream(at) * z).mean(axis=1, keepdims=True)
    return found


def summed(at: LayerSituation, array: Exact) -> Exact:
    found: Exact = array.sum(axis=(0, *range(2, at.x.ndim)))
    return found


FAULTS: list[tuple[Setting, str, Faulty, str]] = [
    (IMAGES, "output", lambda at, y: output(at, ddof=1), "unbiased-variance"),
    (FEATURES, "output", lambda at, y: output(at, ddof=1), "unbiased-variance"),
    (IMAGE, "output", lambda at, y: output(at, ALL, ddof=1), "unbiased-variance"),
    (IMAGES, "output", lambda at, y: output(at, eps=0, outside=EPS), "eps-outside-root"),
    (IMAGE, "output", lambda at, y: output(at, ALL, eps=0), "eps-missing"),
    (IMAGES, "output", lambda at, y: output(at, eps=1e-5), "other-eps"),
    (FEATURES, "output", lambda at, y: scaled(at, centred(at.x)), "not-divided"),
    (FEATURES, "output", lambda at, y: scaled(at, at.x / root(at)), "mean-not-subtracted"),
    (IMAGES, "output", lambda at, y: output(at, ALL), "wrong-axes"),
    (IMAGES, "output", lambda at, y: output(at, (2, 3)), "wrong-axes"),
    (IMAGES, "output", lambda at, y: output(at, (0, 2, 3)), "wrong-axes"),
    (FEATURES, "output", lambda at, y: output(at, (0,)), "wrong-axes"),
    (IMAGE, "output", lambda at, y: output(at), "wrong-axes"),
    (IMAGE, "output", lambda at, y: output(at, (2, 3)), "wrong-axes"),
    (IMAGES, "output", lambda at, y: normalised(at.x, CHANNELS), "affine-missing"),
    (
        IMAGE,
        "output",
        lambda at, y: normalised(at.x, ALL) + own(at, "bias"),
        "scale-missing",
    ),
    (IMAGES, "output", lambda at, y: y["output"] - own(at, "bias"), "bias-missing"),
    (IMAGES, "grad_input", lambda at, y: upstream(at) / root(at), "statistics-constant"),
    (
        IMAGES,
        "grad_input",
        lambda at, y: centred(upstream(at)) / root(at),
        "variance-term-missing",
    ),
    (
        FEATURES,
        "grad_input",
        lambda at, y: (upstream(at) - variance_term(at)) / root(at),
        "mean-term-missing",
    ),
    (
        IMAGES,
        "grad_weight",
        lambda at, y: summed(at, at.grad_output * at.x),
        "input-for-normalised",
    ),
    (
        IMAGES,
        "grad_weight",
        lambda at, y: summed(at, at.grad_output * centred(at.x)),
        "not-divided",
    ),
    (FEATURES, "grad_bias", lambda at, y: summed(at, upstream(at)), "scale-in-bias"),
    (IMAGES, "grad_bias", lambda at, y: y["grad_weight"], "weight-gradient"),
    (FEATURES, "grad_bias", lambda at, y: at.grad_output.sum(axis=-1), "summed-over-channels"),
]

CALLED = {
    **{"LayerNorm": "layer_norm", "LayerNorm2d": "layer_norm", "layer_norm": "layer_norm"},
    "LayerNormalization": "layer_norm",
    "nn.LayerNorm(eps=1e-6)": "layer_norm: {eps: 1e-06}",
}

ROOM = LayerRoom(CASES, PROBED, FAULTS, curved=True, called=CALLED)


def replayed(backend: str, layer: LayerNorm, image: Any, grad: Any) -> tuple[Any, Any]:
    """Return the output for one image, or features, and the gradient."""
    x, g = np.array([image], float), np.array([grad], float)
    network = build(part(layer, "layer", x.shape[1:]), Training(precision="float64"), backend)
    found = network.replay("layer", [x], g)
    return found.output[0].tolist(), found.grad_input[0].tolist()


@each_backend
def test_channels_of_each_cell_are_normalised(backend: str) -> None:
    # With eps 3, the channels 0 and 2 have a variance of 1 and a root of 2; so have 4 and 6.
    image, grad = [[[0, 4]], [[2, 6]]], [[[1, 0]], [[3, 0]]]
    output, grad_input = replayed(backend, LayerNorm(eps=3.0), image, grad)
    assert output == [[[-0.5, -0.5]], [[0.5, 0.5]]]
    # mean(g) = 2, mean(g z) = 1/2; dx = (g - 2 - z / 2) / 2
    assert grad_input == [[[-0.375, 0]], [[0.375, 0]]]


@each_backend
def test_a_whole_image_is_normalised(backend: str) -> None:
    image, grad = [[[0, 2]], [[2, 0]]], [[[1, 3]], [[3, 1]]]
    output, grad_input = replayed(backend, LayerNorm(over="image", eps=3.0), image, grad)
    assert output == [[[-0.5, 0.5]], [[0.5, -0.5]]]
    assert grad_input == [[[-0.375, 0.375]], [[0.375, -0.375]]]


@each_backend
@pytest.mark.parametrize("layer", [LayerNorm(eps=3.0), LayerNorm(over="image", eps=3.0)], ids=str)
def test_features_are_normalised_together(backend: str, layer: LayerNorm) -> None:
    output, grad_input = replayed(backend, layer, [0, 2], [1, 3])
    assert output == [-0.5, 0.5]
    assert grad_input == [-0.375, 0.375]


@each_backend
def test_one_channel_alone_becomes_0(backend: str) -> None:
    output, grad_input = replayed(backend, LayerNorm(), [[[1, -2]]], [[[5, 6]]])
    assert output == grad_input == [[[0, 0]]]


@pytest.mark.parametrize("over", ["channels", "image"])
@pytest.mark.parametrize("bias", [True, False])
def test_what_is_learnt(over: str, bias: bool) -> None:
    layer = LayerNorm.model_validate({"over": over, "bias": bias})
    shape = {"channels": (3,), "image": (3, 4, 5)}[over]
    names = ["weight", "bias"] if bias else ["weight"]
    assert layer.parameters((3, 4, 5)) == dict.fromkeys(names, shape)
    assert layer.parameters((6,)) == dict.fromkeys(names, (6,))
    plain = layer.model_copy(update={"elementwise_affine": False})
    assert plain.parameters((3, 4, 5)) == {}
