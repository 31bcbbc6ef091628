"""What any layer may suffer: factors, other orders and shapes, old gradients, few bits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cnnspec.compare.causes import diagnose_layer
from cnnspec.compare.faults.fault import LayerSituation, Observation
from cnnspec.compare.kinds.affine.convolution import Convolution
from cnnspec.compare.verdict import Cause
from cnnspec.numerics.budget import Exact
from cnnspec.randomness import stream
from cnnspec.spec.layers import JOINS, KINDS, Conv
from tests.compare.causes.any_layer import FACTORS, ORDERS, OTHERS, SETTINGS
from tests.compare.causes.layer_probes import Faulty, Setting, setting
from tests.rooms import LAYERS

FAULTS = [
    pytest.param(*fault, id="-".join((kind, fault[1], fault[3])))
    for kind, room in LAYERS.items()
    for fault in room.faults
]


@pytest.mark.parametrize(("layer", "quantity", "faulty", "code"), FAULTS)
def test_fault_is_named(layer: Setting, quantity: str, faulty: Faulty, code: str) -> None:
    cause = layer.diagnose(quantity, faulty)
    assert cause is not None
    assert cause.code == code, cause.sentence


@pytest.mark.parametrize(("name", "quantity", "faulty", "sentence"), FACTORS)
def test_factor_is_named_by_the_sizes_that_make_it(
    name: str, quantity: str, faulty: Faulty, sentence: str
) -> None:
    cause = SETTINGS[name].diagnose(quantity, faulty)
    assert cause is not None
    assert (cause.code, cause.sentence) == ("scale", sentence)


@pytest.mark.parametrize(("name", "quantity", "faulty", "code"), [*ORDERS, *OTHERS])
def test_what_any_layer_may_have_is_named(
    name: str, quantity: str, faulty: Faulty, code: str
) -> None:
    cause = SETTINGS[name].diagnose(quantity, faulty)
    assert cause is not None
    assert cause.code == code, cause.sentence


def test_a_shape_is_written_out() -> None:
    cause = SETTINGS["linear-plain"].diagnose("grad_bias", lambda at, y: y["grad_bias"][None])
    assert cause is not None
    assert cause.sentence == "the numbers are right, and their shape is not: 1 x 4; wanted 4"
    cause = SETTINGS["conv-plain"].diagnose("output", lambda at, y: 2 * y["output"][:, :, :-1, :-1])
    assert cause is not None
    assert cause.sentence == (
        "the shape is 7 x 3 x 4 x 3; wanted 7 x 3 x 5 x 4: the last row and column of windows are "
        "missing, the + 1 of their number may be forgotten"
    )


def test_a_size_of_the_layer_is_no_batch_that_is_fixed() -> None:
    one = SETTINGS["linear-plain"]
    cause = one.diagnose("grad_input", lambda at, y: np.ones((4, 6)))
    assert cause is not None
    assert cause.sentence == "the shape is 4 x 6; wanted 7 x 6"
    cause = one.diagnose("grad_input", lambda at, y: np.ones((5, 6)))
    assert cause is not None
    assert cause.sentence.endswith("the batch is 5, whatever is given")


QUANTITIES = [(name, quantity) for name, one in SETTINGS.items() for quantity in one.truths[0]]


def test_every_kind_is_here() -> None:
    assert {one.situations[0].at.kind for one in SETTINGS.values()} == {*KINDS, *JOINS}


@pytest.mark.parametrize(("name", "quantity"), QUANTITIES)
def test_what_is_right_has_no_cause(name: str, quantity: str) -> None:
    assert SETTINGS[name].diagnose(quantity, lambda at, right: right[quantity]) is None


@pytest.mark.parametrize(("name", "quantity"), QUANTITIES)
@pytest.mark.parametrize(
    "size", [1e-6, *(pytest.param(size, marks=pytest.mark.slow) for size in (1e-12, 1.0))]
)
def test_noise_has_no_cause(name: str, quantity: str, size: float) -> None:
    random = stream(0, "tests", "noise", name, quantity)

    def noisy(at: object, right: dict[str, np.ndarray]) -> np.ndarray:
        wanted = right[quantity]
        return wanted + size * random.normal(size=wanted.shape)

    assert SETTINGS[name].diagnose(quantity, noisy) is None


@pytest.mark.parametrize(("name", "quantity"), QUANTITIES)
def test_hardly_more_than_rounding_has_no_cause(name: str, quantity: str) -> None:
    random = stream(0, "tests", "just above", name, quantity)

    def just_above(at: LayerSituation, right: dict[str, np.ndarray]) -> np.ndarray:
        budget = np.maximum(SETTINGS[name].budgets(at, right)[quantity], 1e-15)
        found: np.ndarray = right[quantity] + random.uniform(-3, 3, budget.shape) * budget
        return found

    assert SETTINGS[name].diagnose(quantity, just_above) is None


@pytest.mark.parametrize(("name", "quantity"), QUANTITIES)
def test_not_a_number_has_no_cause(name: str, quantity: str) -> None:
    assert SETTINGS[name].diagnose(quantity, lambda at, right: right[quantity] * np.nan) is None


@pytest.mark.parametrize(("name", "quantity"), QUANTITIES)
def test_one_wrong_number_has_no_cause(name: str, quantity: str) -> None:
    def wrong_once(at: object, right: dict[str, np.ndarray]) -> np.ndarray:
        found = right[quantity].copy()
        found.flat[found.size // 2] += 0.731
        return found

    cause = SETTINGS[name].diagnose(quantity, wrong_once)
    assert cause is None, cause


def weighted(array: Exact) -> Exact:
    """Weight each number of an array otherwise."""
    weights: Exact = np.linspace(0.5, 2, array.size).reshape(array.shape)
    return array * weights


def holed(array: Exact) -> Exact:
    """Put one NaN, or no number, into an array."""
    array = array.copy()
    array.flat[:1] = np.nan
    return array


CORRUPTED: dict[str, Callable[[Exact], Exact]] = {
    "upside-down": lambda array: array[::-1],
    "weighted": weighted,
    "shortened": lambda array: array[:-1],
    "transposed": np.transpose,
    "a single number": lambda array: np.asarray(array.sum()),
    "empty": lambda array: array[:0],
    "with a NaN": holed,
    "infinite": lambda array: np.full_like(array, np.inf),
}


OFTEN = {"weighted", "shortened", "with a NaN", "empty"}


@pytest.mark.parametrize(
    "corrupted",
    [
        pytest.param(change, id=name, marks=[pytest.mark.slow] * (name not in OFTEN))
        for name, change in CORRUPTED.items()
    ],
)
@pytest.mark.parametrize("name", SETTINGS)
def test_whatever_a_layer_gives_is_diagnosed(
    name: str, corrupted: Callable[[Exact], Exact]
) -> None:
    def spoilt(quantity: str) -> Faulty:
        return lambda at, right: corrupted(right[quantity])

    for quantity in SETTINGS[name].truths[0]:
        cause = SETTINGS[name].diagnose(quantity, spoilt(quantity))
        assert cause is None or cause.sentence


@pytest.mark.parametrize("shape", [(), (2,), (2, 3), (2, 3, 4, 5), (2, 3, 2, 2, 2)], ids=str)
def test_a_parameter_may_have_any_number_of_axes(shape: tuple[int, ...]) -> None:
    """A kind that has no names for them has them numbered."""
    situation = SETTINGS["relu-images"].situations[0]
    at = replace(situation.at, parameters={"weight": shape})
    wanted = stream(0, "tests", "axes", str(shape)).normal(size=shape)
    given = replace(situation, at=at, parameters={"weight": np.ones(shape)})

    def diagnose(found: Exact) -> Cause | None:
        return diagnose_layer([Observation(given, "grad_weight", found, wanted, 0 * wanted)])

    assert diagnose(wanted**2) is None
    if len(shape) > 1:
        cause = diagnose(wanted[:, ::-1])
        assert cause is not None
        assert "axis 1" in cause.sentence


@pytest.mark.parametrize("name", ["linear-plain", "conv-plain"])
def test_gradient_that_is_not_set_to_zero_is_named(name: str) -> None:
    total = np.zeros_like(SETTINGS[name].truths[0]["grad_weight"])

    def added(at: object, right: dict[str, np.ndarray]) -> np.ndarray:
        total[...] += right["grad_weight"]
        return total.copy()

    cause = SETTINGS[name].diagnose("grad_weight", added)
    assert cause is not None
    assert cause.code == "accumulated"
    total += 3  # what was there before is not known to the diagnosis
    cause = SETTINGS[name].diagnose("grad_weight", added)
    assert cause is not None
    assert cause.code == "accumulated"


@pytest.mark.parametrize(
    "name", ["linear-plain", "conv-plain", "pool-average", "batch_norm-images"]
)
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_lower_precision_is_named(name: str, precision: str) -> None:
    cause = SETTINGS[name].diagnose(
        "output", lambda at, right: right["output"].astype(precision).astype(float)
    )
    assert cause is not None
    assert (cause.code, cause.sentence) == (
        "low-precision",
        f"the result is computed in {precision}",
    )


def test_the_budget_of_a_faulty_side_does_not_stand_in_the_way() -> None:
    # A side that gives a seventh of the gradient has a seventh of the budget.
    one = SETTINGS["linear-plain"]
    observations = [
        Observation(
            at,
            "grad_weight",
            truth["grad_weight"] / len(at.x),
            truth["grad_weight"],
            one.budgets(at, truth)["grad_weight"] * 1e-3,
        )
        for at, truth in zip(one.situations, one.truths)
    ]
    cause = diagnose_layer(observations)
    assert cause is not None
    assert cause.code == "scale"


@pytest.mark.slow
@pytest.mark.parametrize("quantity", ["output", "grad_input", "grad_weight"])
def test_a_large_layer_takes_seconds(quantity: str) -> None:
    small = setting(Conv(out_channels=64, kernel_size=3, padding=1), (64, 1, 1)).situations[2]
    random = stream(0, "tests", "large")
    x, gradient = random.normal(size=(2, 7, 64, 32, 32))
    at = replace(small.at, input_shapes=((64, 32, 32),), output=(64, 32, 32))
    large = replace(small, at=at, inputs=(x,), grad_output=gradient)
    wanted, budget = Convolution.of(large).predict(quantity)
    found = wanted + random.normal(size=wanted.shape)
    begin = time.perf_counter()
    assert diagnose_layer([Observation(large, quantity, found, wanted, budget)]) is None
    assert time.perf_counter() - begin < 60
