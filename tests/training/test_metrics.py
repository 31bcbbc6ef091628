"""metrics.jsonl: what is read is what a training writes; all else is refused, with its line."""

import math
import os
from pathlib import Path

import pytest

from cnnspec.errors import RunError
from cnnspec.training import EpochMetrics
from cnnspec.training.metrics import LONGEST, append_metrics, read_metrics

ONE = EpochMetrics(1, 2.5, 0.25, 1.5, 0.5, 0.125)
LINE = (
    '{"epoch": %s, "train_loss": %s, "train_accuracy": %s, "test_loss": 1.5, '
    '"test_accuracy": 0.5, "seconds": 0.125}\n'
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


def test_what_is_written_is_read(path: Path) -> None:
    written = tuple(EpochMetrics(n, 3e28, 0.0, 5e-324, 1.0, 0.1) for n in range(1, 301))
    for epoch in written:
        append_metrics(path, epoch)
    assert read_metrics(path) == written


def test_a_loss_that_is_not_finite_is_read_as_nan(path: Path) -> None:
    append_metrics(path, EpochMetrics(1, math.inf, 0.25, math.nan, 0.5, 0.125))
    (found,) = read_metrics(path)
    assert math.isnan(found.train_loss)
    assert math.isnan(found.test_loss)


def test_whole_numbers_are_numbers(path: Path) -> None:
    path.write_text(LINE % (1, 2, 1))
    assert read_metrics(path) == (EpochMetrics(1, 2.0, 1.0, 1.5, 0.5, 0.125),)


DAMAGED = {
    "text for a number": (LINE % (2, '"2.5"', 1), '`train_loss` is "2.5"; wanted a number'),
    "a truth value": (LINE % (2, "true", 1), "`train_loss` is true; wanted a number"),
    "a list": (LINE % (2, "[1]", 1), "`train_loss` is [1]; wanted a number"),
    "an object": (LINE % (2, "{}", 1), "`train_loss` is {}; wanted a number"),
    "an accuracy above 1": (LINE % (2, 1, 2), "`train_accuracy` is 2; wanted a fraction of 1"),
    "an accuracy below 0": (LINE % (2, 1, -1e-9), "`train_accuracy` is -1e-09; wanted a fraction"),
    "NaN": (LINE % (2, "NaN", 1), "it has NaN, which is no number of JSON"),
    "infinity": (LINE % (2, "-Infinity", 1), "it has -Infinity, which is no number of JSON"),
    "too large": (LINE % (2, "1e999", 1), "it has a number that is too large: 1e999"),
    "many digits": (LINE % (2, "9" * 5000, 1), "it has a number of 5,000 digits"),
    "an epoch again": (LINE % (1, 1, 1), "it is of epoch 2, but its `epoch` is 1"),
    "an epoch left out": (LINE % (3, 1, 1), "it is of epoch 2, but its `epoch` is 3"),
    "an epoch with a point": (LINE % ("2.0", 1, 1), "it is of epoch 2, but its `epoch` is 2.0"),
    "an epoch of true": (LINE % ("true", 1, 1), "it is of epoch 2, but its `epoch` is true"),
    "no epoch": (LINE.replace('"epoch": %s, ', "") % (1, 1), "it lacks `epoch`"),
    "more": (LINE.replace("}", ', "more": 1}') % (2, 1, 1), "it has `more`, which is nothing of"),
    "twice": (LINE.replace("}", ', "seconds": 1}') % (2, 1, 1), "it has the key `seconds` twice"),
    "deep": ("[" * 200_000, f"it is longer than {LONGEST:,} bytes"),
    "deep enough": ("[" * 9_000, "it is n"),  # nested too deep; from Python 3.13 on, not JSON
    "two documents": ("{} {}\n", "it is not JSON: Extra data"),
    "no UTF-8": (b"\xff{}\n", "it is not UTF-8 text: byte 0 is no part of it"),
    "a byte order mark": (b"\xef\xbb\xbf" + LINE.encode(), "it is not JSON"),
    "NUL": (b"\0" * 100, "it is not JSON"),
    "an empty line": ("\n", "it is not JSON"),
}


@pytest.mark.parametrize(("line", "message"), DAMAGED.values(), ids=DAMAGED)
def test_the_line_that_is_damaged_is_named(path: Path, line: str | bytes, message: str) -> None:
    append_metrics(path, ONE)
    with path.open("ab") as file:
        file.write(line if isinstance(line, bytes) else line.encode())
    with pytest.raises(RunError) as caught:
        read_metrics(path)
    assert str(caught.value).startswith(f"cannot read {path}: line 2: {message}")


def test_pipes_devices_and_folders_are_refused_at_once(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(RunError, match="it is a pipe, not a regular file"):
        read_metrics(path)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(RunError, match="it is a device, not a regular file"):
        read_metrics(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(RunError, match="it is a folder, not a regular file"):
        read_metrics(path)
