"""Batch norm: settings, conventions by hand, and faults that are named, channel by channel.

Normalised by the biased variance; the unbiased one runs; momentum weights the new.
"""

from __future__ import annotations

import numpy as np
import pytest

from cnnspec.backends import build
from cnnspec.backends.network import Batch, Network
from cnnspec.compare.faults.fault import LayerSituation
from cnnspec.errors import DataError, StateError
from cnnspec.numerics.budget import Exact
from cnnspec.plan import resolve
from cnnspec.spec.layers import BatchNorm, Flatten, Linear
from cnnspec.spec.model import ModelSpec
from cnnspec.spec.optimizers import SGD
from cnnspec.spec.sizes import Shape
from cnnspec.spec.training import Training
from tests.cases import Case, assert_same_bits, each_backend, each_precision
from tests.compare.causes.layer_probes import Faulty, Setting, setting
from tests.room import LayerRoom

CASES = {
    "image": Case(BatchNorm(), (2, 3, 4)),
    "features": Case(BatchNorm(), (5,)),
    "one-feature": Case(BatchNorm(), (1,)),
    "one-row": Case(BatchNorm(), (3, 1, 5)),
    "one-pixel": Case(BatchNorm(), (4, 1, 1)),
    "not-affine": Case(BatchNorm(affine=False), (2, 2, 3)),
    "features-not-affine": Case(BatchNorm(affine=False), (4,)),
    "eps": Case(BatchNorm(eps=0.5), (2, 3, 2)),
    "momentum": Case(BatchNorm(momentum=0.75), (2, 3, 2)),
    "no-momentum": Case(BatchNorm(momentum=0.0), (2, 3, 2)),
    "all-momentum": Case(BatchNorm(momentum=1.0), (2, 2, 2)),
    "written-channels": Case(BatchNorm(num_features=3), (3, 2, 3)),
    "mean-far-from-0": Case(BatchNorm(), (2, 3, 4), mean=100.0),
}


IMAGES = setting(BatchNorm(eps=0.01, momentum=0.3), (3, 4, 5))
FEATURES = setting(BatchNorm(eps=0.01, momentum=0.3), (4,))
PROBED = {"images": setting(BatchNorm(), (3, 4, 5)), "features": setting(BatchNorm(), (4,))}

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


def mean_term(at: LayerSituation) -> Exact:
    mean: Exact = upstream(at).mean(axis=OF, keepdims=True)
    return mean


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
        lambda at, y: y["grad_input"] - mean_term(at) * inverse_root(at),
        "mean-term-twice",
    ),
    (
        IMAGES,
        "grad_input",
        lambda at, y: y["grad_input"] + 2 * mean_term(at) * inverse_root(at),
        "mean-term-sign",
    ),
    (
        IMAGES,
        "grad_input",
        lambda at, y: y["grad_input"] - variance_term(at) * inverse_root(at),
        "variance-term-twice",
    ),
    (
        IMAGES,
        "grad_input",
        lambda at, y: y["grad_input"] + 2 * variance_term(at) * inverse_root(at),
        "variance-term-sign",
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


CALLED = {
    **{"BatchNorm1d": "batch_norm", "BatchNorm2d": "batch_norm", "batch_norm": "batch_norm"},
    "BatchNorm2d(8, eps=1e-3)": "batch_norm: {eps: 0.001}",
}

ROOM = LayerRoom(CASES, PROBED, FAULTS, curved=True, called=CALLED)


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


def norm_network(backend: str, precision: str = "float64", **options: float) -> Network:
    """Return a network of a batch norm over one feature, whose numbers below are all exact.

    With eps 3, the values 0 and 2 have a biased variance of 1 and a root of sqrt(1 + 3) = 2.
    """
    layers = [Flatten(), BatchNorm(name="norm", eps=3.0, momentum=0.25, **options)]
    plan = resolve(ModelSpec(input=(1, 1, 1), layers=layers))
    return build(plan, Training(precision=precision, optimizer=SGD(weight_decay=0.5)), backend)


ZERO_AND_TWO = np.array([0.0, 2.0]).reshape(2, 1, 1, 1)
LABELS = np.zeros(2, int)


@each_backend
@each_precision
def test_batch_norm_normalises_by_the_biased_variance(backend: str, precision: str) -> None:
    network = norm_network(backend, precision)
    assert network.trace(Batch(ZERO_AND_TWO, LABELS), step=1).layers["norm"].output.tolist() == [
        [-0.5],
        [0.5],
    ]


@each_backend
@each_precision
def test_the_unbiased_variance_runs_and_momentum_weights_the_new(
    backend: str, precision: str
) -> None:
    network = norm_network(backend, precision)
    start = network.state()
    assert (start["norm.running_mean"].tolist(), start["norm.running_var"].tolist()) == ([0], [1])
    found = network.replay("norm", [ZERO_AND_TWO.reshape(2, 1)], np.ones((2, 1))).buffers
    # 3/4 * 0 + 1/4 * 1, and 3/4 * 1 + 1/4 * 2
    assert found["running_mean"].tolist() == [0.25]
    assert found["running_var"].tolist() == [1.25]
    traced = network.trace(Batch(ZERO_AND_TWO, LABELS), step=1).layers["norm"].buffers
    assert_same_bits(dict(traced), dict(found))
    assert_same_bits(network.state(), start)
    network.train_step(Batch(ZERO_AND_TWO, LABELS), 0.0, 1)
    trained = network.state()
    assert_same_bits({name: trained[f"norm.{name}"] for name in found}, dict(found))


@each_backend
@each_precision
def test_predictions_take_the_running_statistics_and_leave_them(
    backend: str, precision: str
) -> None:
    network = norm_network(backend, precision)
    state = network.state() | {
        "norm.running_mean": np.array([1.0]),
        "norm.running_var": np.array([13.0]),
        "norm.weight": np.array([2.0]),
        "norm.bias": np.array([0.5]),
    }
    network.load_state(state)
    # 2 * (x - 1) / sqrt(13 + 3) + 1/2, of one image, too
    assert network.predict(np.full((1, 1, 1, 1), 9.0)).tolist() == [[4.5]]
    assert network.predict(ZERO_AND_TWO).tolist() == [[0.0], [1.0]]
    assert {name: array.tolist() for name, array in network.state().items()} == {
        name: array.tolist() for name, array in state.items()
    }


@each_backend
def test_the_gradient_goes_through_mean_and_variance(backend: str) -> None:
    network = norm_network(backend)
    # z = -1/2, 1/2; mean(g) = 2, mean(g z) = 1/2; dx = (g - 2 - z / 2) / 2
    found = network.replay("norm", [ZERO_AND_TWO.reshape(2, 1)], np.array([[1.0], [3.0]]))
    assert found.grad_input.tolist() == [[-0.375], [0.375]]
    assert found.grad_parameters["weight"].tolist() == [1.0]
    assert found.grad_parameters["bias"].tolist() == [4.0]


@each_backend
def test_the_optimizer_leaves_running_statistics_alone(backend: str) -> None:
    network = norm_network(backend)
    start = network.state()
    network.update({"norm.weight": np.ones(1), "norm.bias": np.ones(1)}, 0.5, 1)
    changed = {name for name, array in network.state().items() if np.any(array != start[name])}
    assert changed == {"norm.weight", "norm.bias"}
    with pytest.raises(StateError, match=r"norm\.running_mean"):
        network.update(start, 0.5, 2)


@each_backend
@pytest.mark.parametrize("input", [(3, 1, 1), (1, 1, 1)])
def test_one_value_for_each_channel_cannot_train(backend: str, input: Shape) -> None:
    layers = [BatchNorm(name="first"), Flatten(), BatchNorm(name="last"), Linear(out_features=2)]
    plan = resolve(ModelSpec(input=input, layers=layers))
    network = build(plan, Training(), backend)
    images, label = np.ones((1, *input)), np.zeros(1, int)
    start = network.state()
    wanted = "more than one value for each channel"
    with pytest.raises(DataError, match=f"first: .*{wanted}.* at least 2 images; found 1"):
        network.train_step(Batch(images, label), 0.1, 1)
    with pytest.raises(DataError, match=f"first: .*{wanted}"):
        network.trace(Batch(images, label), step=1)
    with pytest.raises(DataError, match=f"last: .*{wanted}"):
        network.replay("last", [np.ones((1, input[0]))], np.ones((1, input[0])))
    assert_same_bits(network.state(), start)
    assert network.predict(images).shape == (1, 2)
