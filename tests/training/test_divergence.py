"""What is called divergence, and what is not."""

import math

import pytest

from cnnspec.report.tables import loss_text
from cnnspec.training import EpochMetrics, diverged_in, is_far


def epoch(number: int, train: float, test: float) -> EpochMetrics:
    return EpochMetrics(number, train, 0.1, test, 0.1, 1.0)


GUESS = math.log(10)
HISTORIES = {
    "learns": ([(2.0, 1.5), (1.0, 0.5)], GUESS, None),
    "learns nothing": ([(2.31, 2.303), (2.303, 2.303)], GUESS, None),
    "is a little worse than a guess": ([(2.51, 2.35), (2.47, 2.49)], GUESS, None),
    "3e28": ([(3e28, 42.0)], GUESS, 1),
    "in the test alone": ([(2.5, 1e5)], GUESS, 1),
    "in the second epoch": ([(2.0, 1.9), (900.0, 41.0)], GUESS, 2),
    "and is dead behind": ([(1e14, 2.303), (2.303, 2.303)], GUESS, 1),
    "and comes back": ([(1e5, 30.0), (2.0, 1.1)], GUESS, None),
    "began as badly": ([(300.0, 200.0), (190.0, 180.0)], 500.0, None),
    "began badly and got worse": ([(1e4, 9e3)], 500.0, 1),
    "no epoch": ([], GUESS, None),
}


@pytest.mark.parametrize(("losses", "start", "expected"), HISTORIES.values(), ids=HISTORIES)
def test_what_is_called_divergence(
    losses: list[tuple[float, float]], start: float, expected: int | None
) -> None:
    history = tuple(epoch(number + 1, *pair) for number, pair in enumerate(losses))
    found = diverged_in(history, start=start, classes=10)
    assert (found.epoch if found else None) == expected


def test_the_line_is_ten_times_a_guess_and_the_start() -> None:
    assert not is_far(10 * GUESS, start=0.0, classes=10)
    assert is_far(10.001 * GUESS, start=0.0, classes=10)
    assert not is_far(50.0, start=5.0, classes=10)
    assert is_far(50.1, start=5.0, classes=10)
    assert is_far(7.0, start=0.0, classes=2)


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        (0.0, "0.0000"),
        (2.30258, "2.3026"),
        (999.99994, "999.9999"),
        (1000.0, "1.00e+03"),
        (117791878459870.2, "1.18e+14"),
        (3e28, "3.00e+28"),
        (1.7e308, "1.70e+308"),
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_a_loss_of_any_size_is_short(loss: float, text: str) -> None:
    assert loss_text(loss) == text
