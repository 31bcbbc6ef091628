"""Two faults at once: both are said, where no fault by itself gives what was found."""

from __future__ import annotations

import numpy as np
import pytest

from cnnspec.compare.faults.fault import LayerSituation
from cnnspec.numerics.budget import Exact
from cnnspec.randomness import stream
from tests.compare.causes.any_layer import SETTINGS
from tests.compare.causes.layer_probes import Faulty, Parts


def correlated(image: Exact, kernel: Exact) -> Exact:
    """Correlate (c, h, w) with (c, kh, kw), in windows that lie inside."""
    _, height, width = kernel.shape
    rows, columns = image.shape[1] - height + 1, image.shape[2] - width + 1
    return np.array(
        [
            [np.sum(image[:, i : i + height, j : j + width] * kernel) for j in range(columns)]
            for i in range(rows)
        ]
    )


def turned(at: LayerSituation, right: Parts) -> Exact:
    """Turn each kernel by a quarter: it is flipped, and its axes are swapped."""
    weight, bias = at.parameters["weight"], at.parameters["bias"]
    padded = np.pad(at.x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    maps = [[correlated(image, np.rot90(k, 1, (1, 2))) for k in weight] for image in padded]
    return np.array(maps) + bias[:, None, None]


def added_up(share: float) -> Faulty:
    """Add the mean over the batch to what earlier passes left."""
    total: list[Exact] = []

    def gradient(at: LayerSituation, right: Parts) -> Exact:
        before = total[-1] if total else 0
        total.append(before + share * right["grad_weight"] / len(at.x))
        return total[-1]

    return gradient


MEAN = (
    "every number is 0.142857 times the expected one (1/7 = 1/batch_size): it may be divided by "
    "the batch size twice"
)
FLIPPED = "the numbers are in reversed order along the "

PAIRS: dict[str, tuple[str, str, Faulty, str]] = {
    "counted twice, and a mean": (
        "linear-plain",
        "grad_weight",
        lambda at, y: 2 * y["grad_weight"] / len(at.x),
        "every number is 0.285714 times the expected one (2/7 = 2/batch_size): it may be counted "
        "twice, and divided by the batch size",
    ),
    "sizes exchanged": (
        "linear-plain",
        "grad_input",
        lambda at, y: y["grad_input"] * 6 / len(at.x),
        "every number is 0.857143 times the expected one (6/7 = in_features/batch_size): it may be "
        "multiplied by in_features, and divided by the batch size",
    ),
    "reversed, and a mean": (
        "linear-plain",
        "grad_weight",
        lambda at, y: np.flip(y["grad_weight"], 1) / len(at.x),
        f"{FLIPPED}inputs. Besides, {MEAN}",
    ),
    "reversed, and counted twice": (
        "conv-plain",
        "output",
        lambda at, y: 2 * y["output"][:, ::-1],
        f"{FLIPPED}channels. Besides, every number is 2 times the expected one (= in_channels): it "
        "may be counted twice",
    ),
    "swapped, and turned round": (
        "conv-plain",
        "grad_weight",
        lambda at, y: -y["grad_weight"].swapaxes(2, 3),
        "kernel height and kernel width are swapped. Besides, every number is -1 times the "
        "expected one: the sign is turned round",
    ),
    "rolled, and divided by the kernel": (
        "pool-max",
        "grad_input",
        lambda at, y: np.roll(y["grad_input"], 1, 2) / 9,
        "the numbers are moved by one cell down, round the edges. Besides, every number is "
        "0.111111 times the expected one (1/9 = 1/kernel_area): it may be divided by the number of "
        "cells in the kernel",
    ),
    "reversed, and swapped": (
        "conv-plain",
        "grad_weight",
        lambda at, y: y["grad_weight"][..., ::-1, ::-1].swapaxes(2, 3),
        f"{FLIPPED}kernel height and the kernel width: this is a true convolution, and a "
        "correlation is wanted. Besides, kernel height and kernel width are swapped",
    ),
    "upside down, and swapped": (
        "conv-plain",
        "output",
        turned,
        "each kernel is flipped left to right. Besides, the height and the width of each kernel "
        "are swapped",
    ),
    "added up, and a mean": (
        "linear-plain",
        "grad_weight",
        added_up(1),
        f"{MEAN}. Besides, the gradient is added to that of the pass before: it is never set to "
        "zero in between",
    ),
    "a mean with a penalty": (
        "linear-plain",
        "grad_weight",
        lambda at, y: y["grad_weight"] / len(at.x) + 0.01 * at.parameters["weight"],
        f"{MEAN}. Besides, 0.01 times the weights is added to the layer's gradient, as by a "
        "penalty; the optimizer has the weight decay",
    ),
    "no sum, and a mean": (
        "linear-plain",
        "grad_bias",
        lambda at, y: at.grad_output[-1] / len(at.x),
        "only the last image counts: each round may overwrite what the rounds before it gave. "
        f"Besides, {MEAN}",
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_two_faults_are_both_named(name: str) -> None:
    setting, quantity, faulty, sentence = PAIRS[name]
    cause = SETTINGS[setting].diagnose(quantity, faulty, two=True)
    assert cause is not None
    assert cause.sentence == sentence


def test_what_to_do_is_said_of_both() -> None:
    _, _, faulty, _ = PAIRS["reversed, and counted twice"]
    cause = SETTINGS["conv-plain"].diagnose("output", faulty, two=True)
    assert cause is not None
    assert cause.help == (
        "check slices such as [::-1], and loops that run backwards; besides, look for a factor too "
        "many, or one that is left out"
    )


@pytest.mark.parametrize("name", ["linear-plain", "pool-max"])
def test_noise_on_two_faults_has_no_cause(name: str) -> None:
    random = stream(0, "tests", "noise", name)

    def noisy(at: LayerSituation, right: Parts) -> Exact:
        found = 2 * right["output"][:, ::-1]
        return found + 1e-6 * random.normal(size=found.shape)

    assert SETTINGS[name].diagnose("output", noisy, two=True) is None


def test_what_has_other_axes_is_not_put_in_another_order() -> None:
    def per_image(at: LayerSituation, right: Parts) -> Exact:
        return at.grad_output.T.astype(np.float64)

    SETTINGS["linear-plain"].diagnose("grad_bias", per_image, two=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_noise_is_no_two_faults(name: str) -> None:
    random = stream(0, "tests", "noise alone", name)

    def noisy(quantity: str) -> Faulty:
        return lambda at, right: right[quantity] + random.normal(size=right[quantity].shape)

    for quantity in SETTINGS[name].truths[0]:
        assert SETTINGS[name].diagnose(quantity, noisy(quantity), two=True) is None
