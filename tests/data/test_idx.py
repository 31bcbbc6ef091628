"""MNIST and FashionMNIST: four IDX files, plain or gzipped, in a folder."""

import gzip
import os
import struct
import sys
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cnnspec import MNIST, DataError, FashionMNIST, Limits, Normalize, load_data
from cnnspec.data import Dataset, idx_set
from cnnspec.errors import DataWarning
from cnnspec.spec import DataSource
from tests.data.small_mnist import SMALL, idx, images, write

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


@real
def test_one_set_in_the_place_of_the_other_is_told(tmp_path: Path) -> None:
    assert DATA
    (tmp_path / "MNIST").mkdir()
    (tmp_path / "MNIST" / "raw").symlink_to(Path(DATA) / "FashionMNIST" / "raw")
    with pytest.warns(DataWarning, match="is not the file that was published as MNIST, by its"):
        load_data(MNIST(train_samples=10, test_samples=10), tmp_path)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "MNIST" / "raw"
    write(folder)
    return folder


@pytest.fixture
def no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnspec.data.vision.download", lambda name, folder: "it is not tried here")


def small(data_dir: Path | None, source: DataSource | None = None) -> Dataset:
    """Read the small files, which are not those that were published."""
    with pytest.warns(DataWarning, match="is not the file that was published as"):
        return load_data(source or MNIST(), data_dir)


def refusal(data_dir: Path) -> str:
    with pytest.raises(DataError) as caught:
        load_data(MNIST(), data_dir)
    message = str(caught.value)
    del caught  # the frames of the error may hold files that nobody closed
    return message


def check(found: Dataset) -> None:
    assert np.array_equal(found.train.images[:, 0], images(6) / np.float32(255))
    assert np.array_equal(found.test.images[:, 0], images(4) / np.float32(255))
    assert found.train.labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert found.test.labels.tolist() == [0, 1, 2, 3]


def test_small_files(raw: Path) -> None:
    check(small(raw.parents[1]))


@pytest.mark.parametrize("folder", ["", "MNIST", "MNIST/raw"])
@pytest.mark.parametrize("kind", [MNIST, FashionMNIST])
@pytest.mark.parametrize("packed", [(), ("train", "t10k"), ("train-images",)])
def test_where_the_files_may_lie(
    tmp_path: Path, folder: str, kind: type[DataSource], packed: tuple[str, ...]
) -> None:
    write(tmp_path / folder.replace("MNIST", FOLDERS[kind.keyword]), packed=packed)
    check(small(tmp_path, kind()))


def test_the_plain_file_counts_where_both_are_there(raw: Path) -> None:
    for name in SMALL:
        (raw / f"{name}.gz").write_bytes(b"is not read")
    check(small(raw.parents[1]))


def test_the_published_files_are_not_warned_of(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.warns(DataWarning) as caught:
        load_data(MNIST(), raw.parents[1])
    assert str(caught[0].message) == (
        f"{raw}/train-images-idx3-ubyte is not the file that was published as MNIST, by its "
        "SHA-256; put the published file in its place, unless you made it yourself"
    )
    files = [idx_set.open_idx(raw / name, 3 if "images" in name else 1) for name in SMALL]
    published = idx_set.Published("MNIST", tuple(file.sha256 for file in files))
    monkeypatch.setattr("cnnspec.data.mnist.PUBLISHED", published)
    load_data(MNIST(), raw.parents[1])  # a warning is an error here
    label = bytearray(SMALL["t10k-labels-idx1-ubyte"])
    label[-1] ^= 1
    (raw / "t10k-labels-idx1-ubyte").write_bytes(label)
    with pytest.warns(DataWarning, match="t10k-labels-idx1-ubyte is not the file"):
        load_data(MNIST(), raw.parents[1])


def test_the_folder_is_that_of_the_environment_unless_it_is_given(
    raw: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CNNSPEC_DATA", str(raw.parents[1]))
    assert len(small(None).train) == 6
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("CNNSPEC_DATA", str(file))
    assert len(small(raw.parents[1]).train) == 6
    monkeypatch.delenv("CNNSPEC_DATA")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "data").symlink_to(raw.parents[1])
    monkeypatch.chdir(tmp_path / "work")
    assert len(small(None).train) == 6


# What is not as it should be.

HELP = (
    "put its four files there (train-images-idx3-ubyte, train-labels-idx1-ubyte, "
    "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte; plain or .gz), or name their folder by "
    "--data-dir or CNNSPEC_DATA; `--set data=digits` trains on what the package carries"
)


@pytest.mark.usefixtures("no_download")
@pytest.mark.parametrize("kind", [MNIST, FashionMNIST])
def test_no_files(tmp_path: Path, kind: type[DataSource]) -> None:
    name = FOLDERS[kind.keyword]
    for data_dir in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataError) as caught:
            load_data(kind(), data_dir)
        assert str(caught.value) == (
            f"{name} is neither in {data_dir}/{name}/raw nor in {data_dir}; "
            f"it is not tried here; {HELP}"
        )


@pytest.mark.usefixtures("no_download")
def test_some_of_the_files(raw: Path) -> None:
    (raw / "t10k-labels-idx1-ubyte").unlink()
    data_dir = raw.parents[1]
    assert refusal(data_dir) == (
        f"MNIST is neither in {raw} nor in {data_dir}: {raw} lacks t10k-labels-idx1-ubyte; "
        f"it is not tried here; {HELP}"
    )


WHOLE = SMALL["t10k-images-idx3-ubyte"]
SAID = "its header says 4 x 28 x 28 bytes"
BEGINS = "wanted 00 00 08 03: unsigned bytes with 3 axes"
DAMAGED = {
    "empty": (b"", f"it begins with the bytes (none); {BEGINS}"),
    "only a beginning": (WHOLE[:10], f"it begins with the bytes 00 00 08 03; {BEGINS}"),
    "no pixels": (WHOLE[:16], f"{SAID}, of which 3,136 are missing: it is cut off"),
    "cut off": (WHOLE[:-1], f"{SAID}, of which 1 are missing: it is cut off"),
    "labels": (idx(np.arange(4)), f"it begins with the bytes 00 00 08 01; {BEGINS}"),
    "text": (b"this is a text, and no idx file", f"it begins with the bytes 74 68 69 73; {BEGINS}"),
    "compressed": (gzip.compress(WHOLE), f"it begins with the bytes 1f 8b 08 00; {BEGINS}"),
    "floats": (b"\x00\x00\x0d\x03" + WHOLE[4:], f"it begins with the bytes 00 00 0d 03; {BEGINS}"),
    "too long": (WHOLE + b"\x00", f"{SAID}, but it goes on behind them"),
    "no images": (
        idx(images(0)),
        "its header says 0 x 28 x 28 bytes; wanted 1 to 1,073,741,824",
    ),
    "more than there are numbers": (
        WHOLE[:4] + bytes([255]) * 12,
        "its header says 4294967295 x 4294967295 x 4294967295 bytes; wanted 1 to 1,073,741,824",
    ),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzipped"])
@pytest.mark.parametrize(("content", "reason"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_images(raw: Path, content: bytes, reason: str, packed: bool) -> None:
    path = raw / "t10k-images-idx3-ubyte"
    path.unlink()
    path = path.with_name(path.name + ".gz") if packed else path
    path.write_bytes(gzip.compress(content) if packed else content)
    assert refusal(raw.parents[1]) == (
        f"cannot read {path}: {reason}; put the published file in its place"
    )


@pytest.mark.parametrize(
    "content",
    [gzip.compress(WHOLE)[:-9], gzip.compress(WHOLE)[:-1] + b"x", WHOLE, b"\x1f\x8b\x08", b""],
    ids=["cut off", "another length", "not gzipped", "the first bytes", "empty"],
)
def test_damaged_compression(raw: Path, content: bytes) -> None:
    (raw / "t10k-images-idx3-ubyte").unlink()
    path = raw / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(content)
    message = refusal(raw.parents[1])
    assert message.startswith(f"cannot read {path}: ")
    assert message.endswith("; put the published file in its place")


def test_fewer_labels_than_images(raw: Path) -> None:
    path = raw / "t10k-labels-idx1-ubyte"
    path.write_bytes(idx(np.arange(3)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert refusal(raw.parents[1]) == (
            f"{path} has 3 labels, but {raw}/t10k-images-idx3-ubyte has 4 images; "
            "take both from one source"
        )


def test_labels_beyond_9(raw: Path) -> None:
    path = raw / "t10k-labels-idx1-ubyte"
    path.write_bytes(idx(np.array([0, 9, 10, 200])))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert refusal(raw.parents[1]) == (
            f"{path} has 10 at 2; wanted labels from 0 to 9; put the published file in its place"
        )


def test_images_of_another_size(raw: Path) -> None:
    path = raw / "train-images-idx3-ubyte"
    path.write_bytes(idx(images(6)[:, :27]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert refusal(raw.parents[1]) == (
            f"{path} has images of 27 x 28; those of `mnist` are 28 x 28; store your own images as "
            "an .npz file, and write `data: {npz: {path: ...}}`"
        )


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (os.mkfifo, "it is a pipe, not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "it is a device, not a regular file"),
        (Path.mkdir, "it is a folder, not a regular file"),
        (
            lambda path: os.truncate(path, 2**30 + 1) if path.touch() is None else None,
            "it has 1,073,741,825 bytes; at most 1,073,741,824 are read",
        ),
    ],
    ids=["pipe", "device", "folder", "large file"],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_what_is_no_file_is_refused_at_once(
    raw: Path, make: Callable[[Path], object], kind: str, suffix: str
) -> None:
    path = raw / "t10k-images-idx3-ubyte"
    path.unlink()
    path = path.with_name(path.name + suffix)
    make(path)
    message = refusal(raw.parents[1])
    assert message == f"cannot read {path}: {kind}; put the published file in its place"


def test_a_gzip_bomb_ends_with_what_its_header_says(raw: Path) -> None:
    bomb = gzip.compress(idx(images(4)) + bytes(200_000_000), compresslevel=1)
    (raw / "t10k-images-idx3-ubyte").unlink()
    (raw / "t10k-images-idx3-ubyte.gz").write_bytes(bomb)
    tracemalloc.start()
    message = refusal(raw.parents[1])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert message.endswith("but it goes on behind them; put the published file in its place")
    assert peak < 3e6


@pytest.mark.parametrize("error", [TypeError("of ours"), MemoryError()])
def test_what_the_file_is_not_to_blame_for_is_not_laid_to_it(
    raw: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr("cnnspec.data.idx.struct.unpack", failing)
    with pytest.raises(type(error)):
        load_data(MNIST(), raw.parents[1])


def test_names_never_move_the_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "a\x1b[31m\nb"
    write(folder)
    (folder / "t10k-images-idx3-ubyte").write_bytes(b"")
    assert refusal(folder).isprintable()


def test_the_limit_of_numbers_holds_for_every_source(raw: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(load_data(MNIST(), raw.parents[1], limits=Limits(images=7840)).train) == 6
        with pytest.raises(DataError, match=r"the images of `mnist` are 7,840 numbers, 31,360 by"):
            load_data(MNIST(), raw.parents[1], limits=Limits(images=7839))


def test_numpy_reads_them_without_torch(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("torch", "torchvision"):
        monkeypatch.setitem(sys.modules, package, None)
    check(small(raw.parents[1]))
    (raw / "train-images-idx3-ubyte").unlink()
    assert "it would be downloaded, but the package `torch" in refusal(raw.parents[1])
    assert "pip install 'cnnspec[torch]'" in refusal(raw.parents[1])
