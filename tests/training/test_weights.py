"""Weights on disk: what is read is what was written, and a file is never half of one."""

import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from cnnspec.errors import RunError, StateError
from cnnspec.spec.sizes import Shape
from cnnspec.training.weights import (
    NotFinite,
    load_weights,
    not_finite,
    rounding,
    save_weights,
)

WHOLE = np.arange(24, dtype=np.float32).reshape(2, 3, 4)

ARRAYS = {
    "plain": WHOLE,
    "float64": WHOLE.astype(np.float64) / 3,
    "Fortran order": np.asfortranarray(WHOLE),
    "transposed": WHOLE.T,
    "axes moved": np.moveaxis(WHOLE, 0, -1),
    "every other": WHOLE[:, :, ::2],
    "backwards": WHOLE[::-1, :, ::-1],
    "part": WHOLE[:, 1:, 1:3],
    "repeated": np.broadcast_to(WHOLE[0, 0], (3, 4)),
    "big endian": WHOLE.astype(">f4"),
    "empty": WHOLE[:0],
    "one number": np.array(3.5, np.float32),
    "nan and inf": np.array([np.nan, np.inf, -np.inf, -0.0], np.float32),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.safetensors"


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_round_trip(path: Path, array: np.ndarray) -> None:
    before = array.copy()
    save_weights(path, {"conv1.weight": array, "other": WHOLE})
    found = load_weights(path)
    assert sorted(found) == ["conv1.weight", "other"]
    assert found["conv1.weight"].shape == array.shape
    assert found["conv1.weight"].dtype == array.dtype.newbyteorder("=")
    assert np.array_equal(found["conv1.weight"], array, equal_nan=True)
    assert np.array_equal(np.signbit(found["conv1.weight"]), np.signbit(array))
    assert np.array_equal(found["other"], WHOLE)
    assert np.array_equal(array, before, equal_nan=True)


def test_what_is_read_can_be_written_to(path: Path) -> None:
    save_weights(path, {"a": WHOLE})
    found = load_weights(path)
    found["a"][...] = 0
    assert np.array_equal(load_weights(path)["a"], WHOLE)


def test_nothing_but_the_file_is_left(path: Path) -> None:
    save_weights(path, {"a": WHOLE})
    save_weights(path, {"b": WHOLE})
    assert [found.name for found in path.parent.iterdir()] == ["weights.safetensors"]
    assert list(load_weights(path)) == ["b"]


def test_a_new_file_takes_the_place_of_the_old_one(path: Path) -> None:
    save_weights(path, {"a": WHOLE})
    old = path.read_bytes()
    with path.open("rb") as reader:
        save_weights(path, {"a": WHOLE * 2, "b": np.zeros(10_000)})
        assert reader.read() == old
    assert np.array_equal(load_weights(path)["a"], WHOLE * 2)


def test_the_old_file_stays_where_the_new_one_cannot_be_written(path: Path) -> None:
    save_weights(path, {"a": WHOLE})
    with pytest.raises(RunError) as caught:
        save_weights(path, {"a": WHOLE * 2, "b": np.array([object()])})
    assert str(caught.value).startswith(f"cannot write {path}: ")
    assert np.array_equal(load_weights(path)["a"], WHOLE)
    path.with_suffix(".tmp").mkdir()
    with pytest.raises(RunError):
        save_weights(path, {"a": WHOLE * 2})
    assert np.array_equal(load_weights(path)["a"], WHOLE)


def test_the_file_may_be_read_by_whoever_may_read_its_neighbours(path: Path) -> None:
    neighbour = path.with_name("metrics.jsonl")
    neighbour.touch()
    save_weights(path, {"a": WHOLE})
    assert oct(path.stat().st_mode) == oct(neighbour.stat().st_mode)


def test_no_folder_to_write_to(path: Path) -> None:
    inside = path.parent / "missing" / path.name
    with pytest.raises(RunError) as caught:
        save_weights(inside, {"a": WHOLE})
    assert str(caught.value).startswith(f"cannot write {inside}: ")


def with_type(name: bytes) -> bytes:
    """Write a file of one value of a type of which NumPy knows nothing."""
    header = b'{"a":{"dtype":"%s","shape":[1],"data_offsets":[0,%d]}}' % (
        name,
        2 if name == b"BF16" else 1,
    )
    return len(header).to_bytes(8, "little") + header + b"\0" * (2 if name == b"BF16" else 1)


PART = '{"a": {"dtype": "F32", "shape": [%d], "data_offsets": [%d, %d]}}'
OVERLAPPING = (
    '{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, '
    '"b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}'
)


def with_header(header: str, data: int = 0) -> bytes:
    return len(header).to_bytes(8, "little") + header.encode() + b"\0" * data


DAMAGED = {
    "empty": b"",
    "text": b"these are no weights at all",
    "no end": (20).to_bytes(8, "little") + b'{"a":',
    "no json": (4).to_bytes(8, "little") + b"nope",
    "bfloat16": with_type(b"BF16"),
    "float8": with_type(b"F8_E4M3"),
    "unknown type": with_type(b"F7"),
    "whole numbers": save({"a": np.arange(3)}),
    "truth values": save({"a": np.ones(3, bool)}),
    "float16": save({"a": np.ones(3, np.float16)}),
    "endless header": (1 << 62).to_bytes(8, "little") + b"{}",
    "large header": (33 << 20).to_bytes(8, "little") + b"{}".ljust(33 << 20),
    "deep header": with_header("[" * 100_000),
    "overlapping": with_header(OVERLAPPING, 12),
    "beyond the end": with_header(PART % (1 << 40, 0, 4 << 40), 4),
    "negative": with_header(PART % (-1, 0, -4), 4),
    "back to front": with_header(PART % (1, 4, 0), 4),
    "a size of 1e99": with_header(PART.replace("%d", "%s", 1) % ("1e99", 0, 4), 4),
    "more shape than bytes": with_header(PART % (2**62, 0, 4), 4),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_damaged_files(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(RunError) as caught:
        load_weights(path)
    assert str(caught.value).startswith(f"cannot read the weights {path}: ")


def test_no_file(path: Path) -> None:
    with pytest.raises(RunError) as caught:
        load_weights(path)
    assert str(caught.value).startswith(f"cannot read the weights {path}: No such file")


def test_a_folder(path: Path) -> None:
    path.mkdir()
    with pytest.raises(RunError, match="cannot read the weights"):
        load_weights(path)


@pytest.mark.parametrize("size", [{"a": (3, 4)}, {"b": (2, 2)}, {"a": (2, 2), "b": (1,)}, {}])
def test_other_shapes_are_refused_before_they_are_read(path: Path, size: dict[str, Shape]) -> None:
    save_weights(path, {"a": np.zeros((2, 2))})
    with pytest.raises(StateError, match="the weights do not fit the network"):
        load_weights(path, size)
    assert load_weights(path, {"a": (2, 2)})["a"].shape == (2, 2)


def test_a_pipe_or_a_device_is_refused_at_once(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(RunError, match="it is a pipe, not a regular file"):
        load_weights(path)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(RunError, match="it is a device, not a regular file"):
        load_weights(path)


def test_what_is_not_finite_in_a_precision() -> None:
    state = {"a": np.array([1.0, 1e300, np.nan]), "b": np.ones(2)}
    assert list(not_finite("r", state, "float64")) == [NotFinite("r", "a", 1, 3)]
    (found,) = not_finite("r", state, "float32")
    assert str(found) == (
        "the weights of r are not finite: a (2 of 3 numbers); its training diverged"
    )


def test_what_a_precision_rounds() -> None:
    state = {"a": np.array([0.5, 0.1]), "b": np.array([0.25]), "c": np.array([0.3])}
    assert rounding("r", state, "float64") == ""
    assert rounding("r", {"b": state["b"]}, "float32") == ""
    assert rounding("r", state, "float32").endswith(" rounds: a and 1 more")
