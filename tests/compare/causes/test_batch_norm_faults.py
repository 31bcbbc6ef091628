"""Faulty batch norms, written channel by channel: each is named, on every probe."""

from __future__ import annotations

import numpy as np
import pytest

from cnnspec.compare.budget import Exact
from cnnspec.compare.causes import LayerSituation
from cnnspec.spec.layers import BatchNorm
from tests.compare.causes.layer_probes import Faulty, Setting, setting

IMAGES = setting(BatchNorm(eps=0.01, momentum=0.3), (3, 4, 5))
FEATURES = setting(BatchNorm(eps=0.01, momentum=0.3), (4,))
EPS, MOMENTUM = 0.01, 0.3


def by_channel(array: Exact) -> Exact:
    return array[None, :, None, None]


def normalised(
    x: Exact,
    axes: tuple[int, ...],
    *,
    ddof: int = 0,
    eps: float = EPS,
    outside: float = 0,
) -> Exact:
    mean = x.mean(axis=axes, keepdims=True)
    variance = x.var(axis=axes, keepdims=True, ddof=ddof)
    return (x - mean) / (np.sqrt(variance + eps) + outside)


def scaled(at: LayerSituation, z: Exact) -> Exact:
    weight, bias = at.parameters["weight"], at.parameters["bias"]
    if z.ndim == 4:
        return by_channel(weight) * z + by_channel(bias)
    return weight * z + bias


def output(at: LayerSituation, axes: tuple[int, ...], **options: float) -> Exact:
    return scaled(at, normalised(at.x, axes, **options))  # type: ignore[arg-type]


def inverse_root(at: LayerSituation) -> Exact:
    return 1 / np.sqrt(at.x.var(axis=(0, 2, 3), keepdims=True) + EPS)


def centred(array: Exact) -> Exact:
    return array - array.mean(axis=(0, 2, 3), keepdims=True)


def upstream(at: LayerSituation) -> Exact:
    return by_channel(at.parameters["weight"]) * at.grad_output


def by_running(at: LayerSituation) -> Exact:
    mean, variance = at.buffers["running_mean"], at.buffers["running_var"]
    return (at.x - by_channel(mean)) / np.sqrt(by_channel(variance) + EPS)


def variance_term(at: LayerSituation) -> Exact:
    z = normalised(at.x, OF)
    return z * np.mean(upstream(at) * z, axis=OF, keepdims=True)


OF = (0, 2, 3)

FAULTS: list[tuple[Setting, str, Faulty, str]] = [
    (IMAGES, "output", lambda at, y: output(at, OF, ddof=1), "unbiased-variance"),
    (FEATURES, "output", lambda at, y: output(at, (0,), ddof=1), "unbiased-variance"),
    (IMAGES, "output", lambda at, y: output(at, OF, eps=0, outside=EPS), "eps-outside-root"),
    (IMAGES, "output", lambda at, y: output(at, OF, eps=0), "eps-missing"),
    (IMAGES, "output", lambda at, y: scaled(at, by_running(at)), "running-statistics"),
    (IMAGES, "output", lambda at, y: output(at, (2, 3)), "wrong-axes"),
    (IMAGES, "output", lambda at, y: output(at, (0,)), "wrong-axes"),
    (IMAGES, "output", lambda at, y: output(at, (1, 2, 3)), "wrong-axes"),
    (IMAGES, "output", lambda at, y: output(at, (0, 1, 2, 3)), "wrong-axes"),
    (FEATURES, "output", lambda at, y: output(at, (1,)), "wrong-axes"),
    (IMAGES, "output", lambda at, y: normalised(at.x, OF), "affine-missing"),
    (
        IMAGES,
        "output",
        lambda at, y: y["output"] - by_channel(at.parameters["bias"]),
        "bias-missing",
    ),
    (
        IMAGES,
        "output",
        lambda at, y: normalised(at.x, OF) + by_channel(at.parameters["bias"]),
        "scale-missing",
    ),
    (
        IMAGES,
        "grad_input",
        lambda at, y: upstream(at) * inverse_root(at),
        "statistics-constant",
    ),
    (
        IMAGES,
        "grad_input",
        lambda at, y: centred(upstream(at)) * inverse_root(at),
        "variance-term-missing",
    ),
    (
        IMAGES,
        "grad_input",
        lambda at, y: (upstream(at) - variance_term(at)) * inverse_root(at),
        "mean-term-missing",
    ),
    (
        IMAGES,
        "grad_input",
        lambda at, y: y["grad_input"] / by_channel(at.parameters["weight"]),
        "scale-missing",
    ),
    (
        IMAGES,
        "grad_weight",
        lambda at, y: np.sum(at.grad_output * at.x, axis=OF),
        "input-for-normalised",
    ),
    (
        IMAGES,
        "grad_weight",
        lambda at, y: np.sum(at.grad_output * centred(at.x), axis=OF),
        "not-divided",
    ),
    (FEATURES, "grad_bias", lambda at, y: y["grad_bias"] / len(at.x), "scale"),
    (IMAGES, "running_mean", lambda at, y: at.buffers["running_mean"], "not-updated"),
    (IMAGES, "running_var", lambda at, y: at.buffers["running_var"], "not-updated"),
    (
        IMAGES,
        "running_mean",
        lambda at, y: MOMENTUM * at.buffers["running_mean"] + (1 - MOMENTUM) * at.x.mean(axis=OF),
        "momentum-reversed",
    ),
    (
        IMAGES,
        "running_var",
        lambda at, y: (
            MOMENTUM * at.buffers["running_var"] + (1 - MOMENTUM) * at.x.var(axis=OF, ddof=1)
        ),
        "momentum-reversed",
    ),
    (FEATURES, "running_var", lambda at, y: stored(at, at.x.var(axis=0)), "biased-variance"),
    (IMAGES, "running_var", lambda at, y: stored(at, at.x.var(axis=OF)), "biased-variance"),
    (
        IMAGES,
        "running_var",
        lambda at, y: stored(at, at.x.std(axis=OF)),
        "deviation-for-variance",
    ),
    (
        IMAGES,
        "running_var",
        lambda at, y: stored(at, at.x.std(axis=OF, ddof=1)),
        "deviation-for-variance",
    ),
    (IMAGES, "running_mean", lambda at, y: at.x.mean(axis=OF), "batch-statistics"),
]


def stored(at: LayerSituation, variance: Exact) -> Exact:
    return (1 - MOMENTUM) * at.buffers["running_var"] + MOMENTUM * variance


@pytest.mark.parametrize(("layer", "quantity", "faulty", "code"), FAULTS)
def test_fault_is_named(layer: Setting, quantity: str, faulty: Faulty, code: str) -> None:
    cause = layer.diagnose(quantity, faulty)
    assert cause is not None
    assert cause.code == code, cause.sentence


def test_sentence() -> None:
    cause = IMAGES.diagnose("running_var", lambda at, y: stored(at, at.x.var(axis=OF)))
    assert cause is not None
    assert cause.sentence == (
        "the biased variance (over m) is stored; the unbiased one (over m - 1) is wanted"
    )


def test_an_eps_of_another_value_is_named_where_it_is_a_usual_one() -> None:
    cause = IMAGES.diagnose("output", lambda at, y: output(at, (0, 2, 3), eps=1e-3))
    assert cause is not None
    assert cause.sentence == "eps is 1e-3; the layer is given another"
    assert IMAGES.diagnose("output", lambda at, y: output(at, (0, 2, 3), eps=2e-3)) is None


def test_two_conventions_of_another_library_at_once() -> None:
    def keras(at: LayerSituation, *, biased: bool) -> Exact:
        variance = at.x.var(axis=(0, 2, 3), ddof=1 - int(biased))
        return MOMENTUM * at.buffers["running_var"] + (1 - MOMENTUM) * variance

    cause = IMAGES.diagnose("running_var", lambda at, y: keras(at, biased=True))
    assert cause is not None
    assert cause.code == "biased-variance"
    assert ". Besides, the momentum is used the other way round" in cause.sentence
    other = IMAGES.diagnose("running_var", lambda at, y: keras(at, biased=False))
    assert other is not None
    assert other.code == "momentum-reversed"
