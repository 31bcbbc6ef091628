"""MNIST and FashionMNIST through torchvision, in the files that it reads."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest

from cnnspec import MNIST, DataError, FashionMNIST, Normalize, load_data
from cnnspec.spec import DataSource

DATA = os.environ.get("CNNSPEC_DATA")
real = pytest.mark.skipif(
    not DATA, reason="CNNSPEC_DATA is not set: it names the folder of MNIST/raw and its kin"
)

FIRST_LABELS = {
    "mnist": ([5, 0, 4, 1, 9], [7, 2, 1, 0, 4]),
    "fashion_mnist": ([9, 0, 0, 3, 0], [9, 2, 1, 1, 6]),
}
FOLDERS = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}


def stored(folder: Path, part: str, count: int) -> np.ndarray:
    """Read the first images of an IDX file byte by byte."""
    with (folder / f"{part}-images-idx3-ubyte").open("rb") as file:
        magic, _, height, width = struct.unpack(">4i", file.read(16))
        assert magic == 2051
        pixels = file.read(count * height * width)
    return np.frombuffer(pixels, np.uint8).reshape(count, 1, height, width)


@real
@pytest.mark.parametrize("kind", [MNIST, FashionMNIST])
def test_real_files(kind: type[DataSource]) -> None:
    assert DATA
    whole = load_data(kind(), DATA)
    assert whole.name == kind.keyword
    assert whole.train.images.shape == (60_000, 1, 28, 28)
    assert whole.test.images.shape == (10_000, 1, 28, 28)
    train, test = FIRST_LABELS[kind.keyword]
    assert whole.train.labels[:5].tolist() == train
    assert whole.test.labels[:5].tolist() == test
    raw = Path(DATA) / FOLDERS[kind.keyword] / "raw"
    for split, part in ((whole.train, "train"), (whole.test, "t10k")):
        assert split.images.dtype == np.float32
        assert split.labels.dtype == np.int64
        assert np.array_equal(split.images[:100], stored(raw, part, 100) / np.float32(255))
        assert set(split.labels) == set(range(10))


@real
def test_limits_and_normalisation(monkeypatch: pytest.MonkeyPatch) -> None:
    assert DATA
    monkeypatch.setenv("CNNSPEC_DATA", DATA)
    normalize = Normalize(mean=[0.1307], std=[0.3081])
    found = load_data(MNIST(train_samples=50, test_samples=20, normalize=normalize))
    assert (len(found.train), len(found.test)) == (50, 20)
    plain = stored(Path(DATA) / "MNIST" / "raw", "train", 50) / np.float32(255)
    assert np.array_equal(found.train.images, (plain - np.float32(0.1307)) / np.float32(0.3081))
    assert found.train.labels[:5].tolist() == [5, 0, 4, 1, 9]


# Small files in the same format: what torchvision makes of them is not a matter of size.


def idx(array: np.ndarray) -> bytes:
    sizes = struct.pack(f">{array.ndim}i", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def images(count: int) -> np.ndarray:
    return (np.arange(count * 28 * 28) % 256).astype(np.uint8).reshape(count, 28, 28)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for part, count in (("train", 6), ("t10k", 4)):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(images(count)))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(count)))
    return folder


def refusal(data_dir: Path) -> str:
    with pytest.raises(DataError) as caught:
        load_data(MNIST(), data_dir)
    message = str(caught.value)
    del caught  # the frames of the error may hold files that nobody closed
    return message


def test_small_files(raw: Path) -> None:
    found = load_data(MNIST(), raw.parents[1])
    assert np.array_equal(found.train.images[:, 0], images(6) / np.float32(255))
    assert np.array_equal(found.test.images[:, 0], images(4) / np.float32(255))
    assert found.train.labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert found.test.labels.tolist() == [0, 1, 2, 3]


def test_the_folder_is_that_of_the_environment_unless_it_is_given(
    raw: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CNNSPEC_DATA", str(raw.parents[1]))
    assert len(load_data(MNIST()).train) == 6
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("CNNSPEC_DATA", str(file))
    assert len(load_data(MNIST(), raw.parents[1]).train) == 6
    monkeypatch.delenv("CNNSPEC_DATA")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "data").symlink_to(raw.parents[1])
    monkeypatch.chdir(tmp_path / "work")
    assert len(load_data(MNIST()).train) == 6


@pytest.mark.parametrize("kind", [MNIST, FashionMNIST])
def test_a_folder_that_cannot_be(tmp_path: Path, kind: type[DataSource]) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    with pytest.raises(DataError) as caught:
        load_data(kind(), file)
    name = FOLDERS[kind.keyword]
    assert str(caught.value) == (
        f"{name} is not readable in {file}/{name}/raw, and could not be downloaded "
        f"([Errno 20] Not a directory: '{file}/{name}'); put its four idx-ubyte files there, "
        f"or name the folder that holds {name}/raw by --data-dir or CNNSPEC_DATA"
    )


WHOLE = idx(images(4))
DAMAGED = {
    "empty": b"",
    "only a beginning": WHOLE[:10],
    "labels": idx(np.arange(4)),
    "text": b"this is a text, and no idx file",
    "compressed": b"\x1f\x8b\x08\x00" + WHOLE,
    "another type": b"\x00\x00\x07\x03" + WHOLE[4:],
    "too long": WHOLE + b"\x00",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_damaged_images(raw: Path, content: bytes) -> None:
    (raw / "t10k-images-idx3-ubyte").write_bytes(content)
    message = refusal(raw.parents[1])
    assert message.startswith(f"MNIST is not readable in {raw}")


def test_fewer_labels_than_images(raw: Path) -> None:
    (raw / "t10k-labels-idx1-ubyte").write_bytes(idx(np.arange(3)))
    assert str(raw) in refusal(raw.parents[1])
