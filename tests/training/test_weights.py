"""Weights on disk: what is read is what was written, and a file is never half of one."""

from pathlib import Path

import numpy as np
import pytest

from cnnspec.errors import RunError
from cnnspec.training.weights import load_weights, save_weights

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


DAMAGED = {
    "empty": b"",
    "text": b"these are no weights at all",
    "no end": (20).to_bytes(8, "little") + b'{"a":',
    "no json": (4).to_bytes(8, "little") + b"nope",
    "bfloat16": with_type(b"BF16"),
    "float8": with_type(b"F8_E4M3"),
    "unknown type": with_type(b"F7"),
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
