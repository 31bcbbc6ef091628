"""Gelu: settings, numbers by hand, faults that are named, and how exact the engine's own Phi is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cnnspec.backends import build
from cnnspec.backends.numpy.gelu import Normal
from cnnspec.compare.kinds import LAYERS
from cnnspec.numerics.budget import NORMAL_CDF_ERROR
from cnnspec.plan import part
from cnnspec.spec.layers import GELU
from cnnspec.spec.training import Training
from cnnspec.trace import Array
from tests.cases import Case, each_backend, each_precision, run
from tests.compare.causes.layer_probes import Faulty, Setting, setting
from tests.room import LayerRoom

BY_TANH = GELU(approximate="tanh")

CASES = {
    "image": Case(GELU(), (2, 3, 4)),
    "features": Case(GELU(), (7,)),
    "tanh": Case(BY_TANH, (2, 3, 4)),
    "tanh-features": Case(BY_TANH, (7,)),
}

IMAGES, FEATURES = setting(GELU(), (2, 3, 4)), setting(GELU(), (7,))
TANH = setting(BY_TANH, (2, 3, 4))

PROBED = {"images": IMAGES, "tanh": TANH}

_erf = np.vectorize(math.erf, otypes=[float])


def phi(x: Array) -> Array:
    found: Array = (1 + _erf(x / math.sqrt(2))) / 2
    return found


def density(x: Array) -> Array:
    found: Array = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    return found


def tanh_phi(x: Array, cubic: float = 0.044715, slope: float = math.sqrt(2 / math.pi)) -> Array:
    found: Array = (1 + np.tanh(slope * (x + cubic * x**3))) / 2
    return found


def tanh_slope(x: Array, cubic: float) -> Array:
    slope, phi = math.sqrt(2 / math.pi), tanh_phi(x, cubic)
    found: Array = phi + x * 2 * phi * (1 - phi) * slope * (1 + 3 * cubic * x**2)
    return found


def tanh_density(x: Array, of_cubic: float = 3 * 0.044715) -> Array:
    t, slope = 2 * tanh_phi(x) - 1, math.sqrt(2 / math.pi)
    found: Array = (1 - t**2) / 2 * slope * (1 + of_cubic * x**2)
    return found


def sigmoid(x: Array) -> Array:
    found: Array = 1 / (1 + np.exp(-x))
    return found


FAULTS: list[tuple[Setting, str, Faulty, str]] = [
    (TANH, "output", lambda at, y: at.x * tanh_phi(at.x, 0.44715), "other-cubic"),
    (TANH, "grad_input", lambda at, y: at.grad_output * tanh_slope(at.x, 0.44715), "other-cubic"),
    (IMAGES, "output", lambda at, y: at.x, "not-applied"),
    (IMAGES, "output", lambda at, y: phi(at.x), "x-missing"),
    (FEATURES, "output", lambda at, y: at.x * (1 + _erf(at.x)) / 2, "root-missing"),
    (FEATURES, "output", lambda at, y: at.x * (1 + _erf(at.x / math.sqrt(2))), "scale"),
    (IMAGES, "output", lambda at, y: at.x * density(at.x), "density-for-phi"),
    (IMAGES, "output", lambda at, y: at.x * tanh_phi(at.x), "other-form"),
    (TANH, "output", lambda at, y: at.x * phi(at.x), "other-form"),
    (IMAGES, "output", lambda at, y: at.x * sigmoid(1.702 * at.x), "by-sigmoid"),
    (IMAGES, "output", lambda at, y: at.x * sigmoid(at.x), "by-sigmoid"),
    (TANH, "output", lambda at, y: at.x * tanh_phi(at.x, cubic=0), "cubic-missing"),
    (TANH, "output", lambda at, y: at.x * tanh_phi(at.x, slope=2 / math.pi), "root-missing"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output, "derivative-missing"),
    (IMAGES, "grad_input", lambda at, y: at.grad_output * phi(at.x), "density-missing"),
    (TANH, "grad_input", lambda at, y: at.grad_output * tanh_phi(at.x), "density-missing"),
    (
        FEATURES,
        "grad_input",
        lambda at, y: at.grad_output * (phi(at.x) + density(at.x)),
        "x-missing",
    ),
    (
        FEATURES,
        "grad_input",
        lambda at, y: at.grad_output * at.x * density(at.x),
        "phi-missing",
    ),
    (
        IMAGES,
        "grad_input",
        lambda at, y: at.grad_output * (phi(at.x) + at.x * density(at.x) * math.sqrt(2)),
        "root-missing",
    ),
    (
        IMAGES,
        "grad_input",
        lambda at, y: at.grad_output * (tanh_phi(at.x) + at.x * tanh_density(at.x)),
        "other-form",
    ),
    (
        TANH,
        "grad_input",
        lambda at, y: at.grad_output * (tanh_phi(at.x) + at.x * tanh_density(at.x, 0.044715)),
        "steepness-missing",
    ),
    (TANH, "grad_input", lambda at, y: y["grad_input"] / at.grad_output, "upstream-missing"),
]

CALLED = {
    **{"GELU": "gelu", "gelu": "gelu"},
    "nn.GELU()": "gelu",
    "nn.GELU('tanh')": "gelu: {approximate: tanh}",
    "GELU(approximate='none')": "gelu: {approximate: none}",
}

ROOM = LayerRoom(CASES, PROBED, FAULTS, curved=True, called=CALLED)


@pytest.mark.parametrize(
    ("at", "quantity", "faulty", "sentence"),
    [
        (
            IMAGES,
            "output",
            lambda at, y: at.x * tanh_phi(at.x),
            "Phi is computed by a tanh; without `approximate: tanh`, it is exact, by the error "
            "function",
        ),
        (
            TANH,
            "output",
            lambda at, y: at.x * phi(at.x),
            "Phi is computed exactly, by the error function; with `approximate: tanh`, it is "
            "computed by a tanh",
        ),
        (
            IMAGES,
            "grad_input",
            lambda at, y: at.grad_output * (tanh_phi(at.x) + at.x * tanh_density(at.x)),
            "the gradient is that of the form with a tanh; that of the exact one is wanted",
        ),
        (
            TANH,
            "grad_input",
            lambda at, y: at.grad_output * (phi(at.x) + at.x * density(at.x)),
            "the gradient is that of the exact form; that of the form with a tanh is wanted",
        ),
        (
            IMAGES,
            "grad_input",
            lambda at, y: at.grad_output * (phi(at.x) + at.x * tanh_density(at.x)),
            "the derivative of Phi is that of the form with a tanh; that of the exact one is "
            "wanted",
        ),
        (
            TANH,
            "grad_input",
            lambda at, y: at.grad_output * (tanh_phi(at.x) + at.x * density(at.x)),
            "the derivative of Phi is that of the exact form; that of the form with a tanh is "
            "wanted",
        ),
    ],
)
def test_the_form_that_was_found_is_said(
    at: Setting, quantity: str, faulty: Faulty, sentence: str
) -> None:
    cause = at.diagnose(quantity, faulty)
    assert cause is not None
    assert (cause.code, cause.sentence) == ("other-form", sentence)
    suspected = LAYERS["gelu"].suspected(at.observe(quantity, faulty))
    of_form = [fault for fault in suspected if fault.code == "other-form"]
    assert len(of_form) == {"output": 1, "grad_input": 2}[quantity], "one's own form is no fault"


@each_backend
def test_numbers_by_hand(backend: str) -> None:
    # Phi(1) = 0.8413447460685429, and the density at 1 is 0.24197072451914337.
    (output,), (grad_input,) = run(backend, GELU(), [[0, 1, -1]], [[4, 1, 1]])
    assert output == pytest.approx([0, 0.8413447460685429, -0.15865525393145707])
    assert grad_input == pytest.approx([2, 1.0833154705876862, -0.0833154705876862])


@each_backend
def test_numbers_by_hand_by_tanh(backend: str) -> None:
    (output,), (grad_input,) = run(backend, BY_TANH, [[0, 1, -1]], [[4, 1, 1]])
    assert output == pytest.approx([0, 0.8411919906082768, -0.15880800939172324])
    assert grad_input == pytest.approx([2, 1.0829640838457826, -0.0829640838457826])


@each_backend
@pytest.mark.parametrize("layer", [GELU(), BY_TANH], ids=["none", "tanh"])
def test_what_is_large_or_small_or_no_number(backend: str, layer: GELU) -> None:
    (output,), (grad_input,) = run(backend, layer, [[1e20, -1e20, 40, -40, 1e-300, math.nan]])
    assert output[:5] == pytest.approx([1e20, 0, 40, 0, 5e-301], rel=1e-12, abs=0)
    assert grad_input[:5] == pytest.approx([1, 0, 1, 0, 0.5], rel=1e-12, abs=0)
    assert math.isnan(output[5])
    assert math.isnan(grad_input[5])


@each_backend
@pytest.mark.parametrize("layer", [GELU(), BY_TANH], ids=["none", "tanh"])
def test_what_is_infinite(backend: str, layer: GELU) -> None:
    # -inf * Phi(-inf) is no number, and the density of an infinite number times it is none.
    (output,), (grad_input,) = run(backend, layer, [[math.inf, -math.inf]])
    assert output[0] == math.inf
    assert all(map(math.isnan, (output[1], *grad_input)))


@pytest.mark.parametrize("backend", ["numpy", "loops"])
@pytest.mark.parametrize("layer", [GELU(), BY_TANH], ids=["none", "tanh"])
@each_precision
def test_what_has_an_infinite_square(backend: str, layer: GELU, precision: str) -> None:
    """The slope of the tanh form is 1 and 0 far out; in torch it is no number there."""
    largest = float(np.finfo(precision).max)
    x = np.array([[0.9 * largest, -0.9 * largest, 3 * math.sqrt(largest), math.nan]], precision)
    network = build(part(layer, "layer", (4,)), Training(precision=precision), backend)
    found = network.replay("layer", [x], np.ones((1, 4), precision))
    assert found.output[0, :3].tolist() == [x[0, 0], 0, x[0, 2]]
    assert found.grad_input[0, :3].tolist() == [1, 0, 1]
    assert np.isnan(found.output[0, 3])
    assert np.isnan(found.grad_input[0, 3])


def _phi_of(x: Array) -> Array:
    found, density, t = (np.empty_like(x) for _ in range(3))
    Normal(x.dtype).write_phi(x, found, density, t)
    return found


@each_precision
def test_phi_of_the_engine_is_within_8_u(precision: str) -> None:
    x = np.concatenate([np.linspace(-9, 9, 30_001), 10.0 ** np.linspace(-20, 0, 2001)])
    x = x.astype(precision)
    u = float(np.finfo(precision).eps) / 2
    erfc = np.vectorize(math.erfc, otypes=[float])
    wanted = erfc(-x.astype(float) / math.sqrt(2)) / 2
    assert np.abs(_phi_of(x) - wanted).max() < 8 * u
    assert np.abs(_phi_of(x) - wanted).max() > u / 2


@each_precision
def test_phi_of_the_engine_far_out(precision: str) -> None:
    x = np.array([-math.inf, -1e30, 1e30, math.inf, math.nan], precision)
    with np.errstate(over="ignore"):
        found = _phi_of(x)
    assert found[:4].tolist() == [0, 0, 1, 1]
    assert np.isnan(found[4])
    tail = np.array([-12.5], precision)  # of which little is lost, though Phi is nearly 0
    assert _phi_of(tail)[0] == pytest.approx(math.erfc(12.5 / math.sqrt(2)) / 2, rel=1e-3)


@each_backend
@each_precision
def test_phi_of_every_backend_is_within_what_the_referee_allows(
    backend: str, precision: str
) -> None:
    x = np.linspace(-9, 9, 20_001).astype(precision)
    network = build(part(GELU(), "layer", (len(x),)), Training(precision=precision), backend)
    found = network.replay("layer", [x[None]], np.ones((1, len(x)), precision)).output[0]
    wanted = np.vectorize(math.erfc, otypes=[float])(-x.astype(float) / math.sqrt(2)) / 2
    u = float(np.finfo(precision).eps) / 2
    assert np.all(np.abs(found - x * wanted) <= (NORMAL_CDF_ERROR + 1) * u * np.abs(x))
