"""A user's own file: every form that is read, and everything that is refused."""

import gc
import io
import pickle
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec import NPZ, DataError, Normalize, load_data
from cnnspec.data import Dataset

LABELS = np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
IMAGES = np.arange(10 * 2 * 3, dtype=np.uint8).reshape(10, 2, 3)
FOUR = {
    "train_images": IMAGES,
    "train_labels": LABELS,
    "test_images": IMAGES[:4] + 100,
    "test_labels": LABELS[:4],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.npz"


def load(path: Path, **options: Any) -> Dataset:
    return load_data(NPZ(path=str(path), **options))


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        load(path, **options)
    message = str(caught.value)
    del caught  # the frames of the error may hold files that nobody closed
    return message


def test_four_arrays(path: Path) -> None:
    np.savez(path, **FOUR)
    found = load(path)
    assert found.name == "npz"
    assert np.array_equal(found.train.images, (IMAGES[:, None] / np.float32(255)))
    assert np.array_equal(found.test.images, (IMAGES[:4, None] + 100) / np.float32(255))
    assert np.array_equal(found.train.labels, LABELS)
    assert np.array_equal(found.test.labels, LABELS[:4])
    for split in (found.train, found.test):
        assert split.images.dtype == np.float32
        assert split.labels.dtype == np.int64


def test_two_arrays_are_split(path: Path) -> None:
    np.savez(path, images=IMAGES, labels=LABELS)
    found = load(path)
    # sorted by class: 0 5 | 1 6 | 2 7 | 3 8 | 4 9, of which every fifth is tested
    tested = [0, 7]
    rest = [1, 2, 3, 4, 5, 6, 8, 9]
    assert np.array_equal(found.test.images, IMAGES[tested, None] / np.float32(255))
    assert np.array_equal(found.test.labels, LABELS[tested])
    assert np.array_equal(found.train.images, IMAGES[rest, None] / np.float32(255))
    assert np.array_equal(found.train.labels, LABELS[rest])


def test_two_images_are_enough_to_split(path: Path) -> None:
    np.savez(path, images=IMAGES[:2], labels=LABELS[:2])
    found = load(path)
    assert (len(found.train), len(found.test)) == (1, 1)


def test_compressed_files_are_read(path: Path) -> None:
    np.savez_compressed(path, **FOUR)
    assert len(load(path).test) == 4


def test_other_arrays_do_not_matter(path: Path) -> None:
    np.savez(path, **FOUR, classes=np.array(["a", "b"]), readme=np.array(3))
    assert len(load(path).train) == 10


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", np.longdouble])
def test_floats_are_taken_as_they_are(path: Path, dtype: Any) -> None:
    images = (IMAGES * 2.5 - 30).astype(dtype)
    np.savez(path, images=images, labels=LABELS)
    found = load(path)
    assert found.train.images.dtype == np.dtype(np.float32)
    assert np.array_equal(found.test.images, images[[0, 7], None].astype(np.float32))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, ">i2", np.uint64])
def test_whole_numbers_of_any_size_are_labels(path: Path, dtype: Any) -> None:
    np.savez(path, **{**FOUR, "train_labels": LABELS.astype(dtype)})
    found = load(path)
    assert found.train.labels.dtype == np.dtype(np.int64)
    assert np.array_equal(found.train.labels, LABELS)


@pytest.mark.parametrize("order", ["C", "F"])
def test_colour_images(path: Path, order: Any) -> None:
    images = np.arange(10 * 3 * 4 * 5, dtype=np.float32).reshape(10, 3, 4, 5)
    np.savez(path, images=np.array(images, order=order), labels=LABELS)
    found = load(path)
    assert found.train.images.shape == (8, 3, 4, 5)
    assert np.array_equal(found.test.images, images[[0, 7]])


def test_images_with_and_without_a_channel_axis(path: Path) -> None:
    np.savez(path, **{**FOUR, "test_images": FOUR["test_images"][:, None]})
    found = load(path)
    assert found.train.images.shape[1:] == found.test.images.shape[1:] == (1, 2, 3)


def test_normalize_each_channel(path: Path) -> None:
    images = np.arange(10 * 2 * 1 * 2, dtype=np.float32).reshape(10, 2, 1, 2)
    np.savez(path, train_images=images, train_labels=LABELS, test_images=images, test_labels=LABELS)
    found = load(path, normalize=Normalize(mean=[1, 10], std=[2, 4]))
    assert np.array_equal(found.train.images[:, 0], (images[:, 0] - 1) / 2)
    assert np.array_equal(found.test.images[:, 1], (images[:, 1] - 10) / 4)


def test_normalize_comes_after_the_scaling_to_one(path: Path) -> None:
    np.savez(path, **{**FOUR, "train_images": np.full((10, 2, 3), 255, np.uint8)})
    found = load(path, normalize=Normalize(mean=[0.5], std=[0.25]))
    assert np.array_equal(found.train.images, np.full((10, 1, 2, 3), 2, np.float32))


def test_limits(path: Path) -> None:
    np.savez(path, **FOUR)
    found = load(path, train_samples=3, test_samples=1)
    assert np.array_equal(found.train.labels, LABELS[:3])
    assert np.array_equal(found.test.labels, LABELS[:1])
    assert refusal(path, test_samples=5) == (
        "`test_samples` is 5, but `npz` has 4 test images; "
        "ask for at most that many, or leave it out"
    )


def test_a_relative_path_starts_at_the_working_directory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez(path, **FOUR)
    monkeypatch.chdir(path.parent)
    assert len(load(Path("mine.npz")).train) == 10
    assert refusal(Path("other.npz")) == (
        f"there is no file {path.parent / 'other.npz'}, which `data.npz.path` names"
    )


WANTED = (
    "Wanted are `train_images`, `train_labels`, `test_images` and `test_labels`, "
    "or `images` and `labels`"
)
TWO = {"images": IMAGES, "labels": LABELS}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no arrays": ({}, f"has no array `train_images`; it has none. {WANTED}"),
    "other names": (
        {"x": IMAGES, "y": LABELS},
        f"has no array `train_images`; it has x, y. {WANTED}",
    ),
    "images alone": (
        {"images": IMAGES},
        f"has no array `train_images`; it has images. {WANTED}",
    ),
    "three of four": (
        {name: FOUR[name] for name in list(FOUR)[:3]},
        "has no array `test_labels`; it has train_images, train_labels, test_images. " + WANTED,
    ),
    "flat images": (
        {**TWO, "images": IMAGES.reshape(10, 6)},
        ": `images` is [10, 6]; wanted (n, h, w) or (n, c, h, w)",
    ),
    "images of five axes": (
        {**TWO, "images": IMAGES[:, None, None]},
        ": `images` is [10, 1, 1, 2, 3]; wanted (n, h, w) or (n, c, h, w)",
    ),
    "a number as images": (
        {**TWO, "images": np.array(3.0)},
        ": `images` is []; wanted (n, h, w) or (n, c, h, w)",
    ),
    "no images": (
        {"images": IMAGES[:0], "labels": LABELS[:0]},
        ": `images` is [0, 2, 3]; wanted (n, h, w) or (n, c, h, w)",
    ),
    "images without height": (
        {**TWO, "images": IMAGES[:, :0]},
        ": `images` is [10, 0, 3]; wanted (n, h, w) or (n, c, h, w)",
    ),
    "no test images": (
        {**FOUR, "test_images": IMAGES[:0], "test_labels": LABELS[:0]},
        ": `test_images` is [0, 2, 3]; wanted (n, h, w) or (n, c, h, w)",
    ),
    "whole numbers as images": (
        {**TWO, "images": IMAGES.astype(np.int64)},
        ": `images` is int64; wanted uint8 or floats",
    ),
    "truths as images": (
        {**TWO, "images": IMAGES > 3},
        ": `images` is bool; wanted uint8 or floats",
    ),
    "complex images": (
        {**TWO, "images": IMAGES.astype(complex)},
        ": `images` is complex128; wanted uint8 or floats",
    ),
    "images with nan": (
        {**TWO, "images": np.where(IMAGES == 7, np.nan, IMAGES)},
        ": `images` holds values that are not finite in float32 (nan, inf or too large)",
    ),
    "images with inf": (
        {**FOUR, "test_images": np.where(IMAGES[:4] == 7, -np.inf, 0)},
        ": `test_images` holds values that are not finite in float32 (nan, inf or too large)",
    ),
    "labels with a point": (
        {**TWO, "labels": LABELS.astype(float)},
        ": `labels` must be whole numbers from 0 to 999,999",
    ),
    "negative labels": (
        {**FOUR, "test_labels": LABELS[:4] - 1},
        ": `test_labels` must be whole numbers from 0 to 999,999",
    ),
    "words as labels": (
        {**TWO, "labels": np.array(list("abcdefghij"))},
        ": `labels` must be whole numbers from 0 to 999,999",
    ),
    "truths as labels": (
        {**TWO, "labels": LABELS > 3},
        ": `labels` must be whole numbers from 0 to 999,999",
    ),
    "durations as labels": (
        {**TWO, "labels": LABELS.astype("m8[s]")},
        ": `labels` must be whole numbers from 0 to 999,999",
    ),
    "one-hot labels": (
        {**TWO, "labels": np.eye(10, dtype=int)},
        ": `labels` is [10, 10]; wanted one label for each of the 10 images",
    ),
    "too few labels": (
        {**TWO, "labels": LABELS[:9]},
        ": `labels` is [9]; wanted one label for each of the 10 images",
    ),
    "too many labels": (
        {**FOUR, "test_labels": LABELS},
        ": `test_labels` is [10]; wanted one label for each of the 4 images",
    ),
    "one image": (
        {"images": IMAGES[:1], "labels": LABELS[:1]},
        ": one image is too few to train and to test on",
    ),
    "parts of different sizes": (
        {**FOUR, "test_images": IMAGES[:4, :1]},
        ": `train_images` [10, 2, 3] and `test_images` [4, 1, 3] differ in channels, height or "
        "width",
    ),
    "parts of different types": (
        {**FOUR, "test_images": IMAGES[:4].astype(np.float32)},
        ": `train_images` are uint8 but `test_images` are float32; store both alike",
    ),
}


@pytest.mark.parametrize(("arrays", "message"), WRONG.values(), ids=WRONG)
def test_wrong_arrays(path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(path, **arrays)
    space = "" if message.startswith(":") else " "
    assert refusal(path) == f"{path}{space}{message}"


def test_no_file(path: Path) -> None:
    assert refusal(path) == f"there is no file {path}, which `data.npz.path` names"


def test_a_path_that_cannot_be() -> None:
    assert refusal(Path("a\0b")).startswith("there is no file ")


def test_a_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith(f"cannot read {tmp_path} as an .npz file without pickles: ")


def test_pickled_objects_are_not_run(path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return path.with_suffix(".run").write_text, ("pickle was run",)

    np.savez(path, images=np.array([Trap()] * 10), labels=LABELS)
    assert refusal(path) == (
        f"cannot read {path} as an .npz file without pickles: "
        "Object arrays cannot be loaded when allow_pickle=False; "
        "write it with numpy.savez(path, images=..., labels=...)"
    )
    path.write_bytes(pickle.dumps(Trap()))
    assert refusal(path).startswith(f"cannot read {path} as an .npz file without pickles: ")
    assert not path.with_suffix(".run").exists()


def test_one_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, IMAGES)
    assert refusal(path) == (
        f"cannot read {path} as an .npz file without pickles: it is no zip archive; "
        "write it with numpy.savez(path, images=..., labels=...)"
    )


def member(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def header(text: str) -> bytes:
    """Begin a member with any header at all."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) + 1) + text.encode() + b"\n"


def shaped(descr: str, shape: str) -> bytes:
    return header(f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}")


MEMBERS = {
    "text": b"hello",
    "nothing": b"",
    "no end": member(IMAGES)[:-3],
    "no values": shaped("|u1", "(10, 2, 3)"),
    "more values than fit a memory": shaped("|u1", "(1000000000000000, 2, 3)"),
    "more values than can be counted": shaped("<f8", f"({10**30},)"),
    "fewer values than none": shaped("|u1", "(-10, 2, 3)") + bytes(60),
    "a shape of truths": shaped("|u1", "(True, 2, 3)") + bytes(60),
    "an unknown type": shaped("x9", "(10,)"),
    "pickles": shaped("|O", "(10,)") + pickle.dumps(list(range(10))),
    "an open bracket": header("{"),
    "many open brackets": header("(" * 3000),
}


@pytest.mark.parametrize("content", MEMBERS.values(), ids=MEMBERS)
def test_damaged_arrays(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("images.npy", content)
        file.writestr("labels.npy", member(LABELS))
    assert str(path) in refusal(path)


def test_a_member_that_is_no_array(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("images", "hello")
        file.writestr("labels.npy", member(LABELS))
    assert str(path) in refusal(path)


def flipped(content: bytes, near: bytes, offset: int, bits: int) -> bytes:
    """Change one byte, at an offset from where something stands."""
    changed = bytearray(content)
    changed[changed.index(near) + offset] ^= bits
    return bytes(changed)


def saved(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


DIRECTORY = b"PK\x01\x02"
WHOLE = saved(**TWO)
FILES = {
    "empty": b"",
    "text": b"hello, world",
    "half": WHOLE[: len(WHOLE) // 2],
    "the first bytes": b"PK\x03\x04",
    "damaged deflation": flipped(WHOLE, b"images.npy", 30, 0xFF),
    "another checksum": flipped(WHOLE, DIRECTORY, 16, 0xFF),
    "unknown compression": flipped(WHOLE, DIRECTORY, 10, 0x40),
    "later version of zip": flipped(WHOLE, DIRECTORY, 6, 0x80),
    "encrypted": flipped(flipped(WHOLE, DIRECTORY, 8, 1), b"PK\x03\x04", 6, 1),
    "patched": flipped(flipped(WHOLE, DIRECTORY, 8, 0x20), b"PK\x03\x04", 6, 0x20),
    "mixed up": WHOLE[100:] + WHOLE[:100],
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_damaged_files(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refusal(path).startswith(f"cannot read {path} as an .npz file without pickles: ")


@pytest.mark.filterwarnings("ignore")
def test_any_byte_may_be_wrong(path: Path) -> None:
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(400):
        content = bytearray(WHOLE)
        for place in random.integers(len(content), size=random.integers(1, 4)):
            content[place] = random.integers(256)
        path.write_bytes(content)
        try:
            load(path)
        except DataError:
            refused += 1
    assert refused > 200


def test_a_file_of_text_is_not_said_to_hold_pickles(path: Path) -> None:
    path.write_text("label,pixel0,pixel1\n3,0,255\n")
    message = refusal(path)
    assert "allow_pickle" not in message
    assert "pickled" not in message


def test_a_damaged_file_is_closed(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        refusal(path)
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


@pytest.mark.parametrize("label", [1_000_000, 2**62, 2**63, 2**64 - 1])
def test_labels_are_at_most_999_999(path: Path, label: int) -> None:
    labels = LABELS.astype(np.uint64)
    labels[3] = 999_999
    np.savez(path, images=IMAGES, labels=labels)
    assert load(path).train.labels.max() == 999_999
    labels[3] = label
    np.savez(path, images=IMAGES, labels=labels)
    assert refusal(path) == f"{path}: `labels` must be whole numbers from 0 to 999,999"


@pytest.mark.parametrize("value", [1e300, -1e300, 3.5e38])
def test_images_that_are_not_finite_in_float32(path: Path, value: float) -> None:
    images = IMAGES.astype(np.float64)
    images[0, 0, 0] = value
    np.savez(path, images=images, labels=LABELS)
    assert refusal(path) == (
        f"{path}: `images` holds values that are not finite in float32 (nan, inf or too large)"
    )


@pytest.mark.parametrize(("mean", "std"), [(0, 1e-50), (0, 1e-44), (1e300, 1)])
def test_a_normalisation_that_is_not_finite_in_float32(path: Path, mean: float, std: float) -> None:
    np.savez(path, images=IMAGES, labels=LABELS)
    assert refusal(path, normalize=Normalize(mean=[mean], std=[std])) == (
        "`normalize` gives values that are not finite in float32; "
        f"its means are {[float(mean)]} and its stds {[float(std)]}"
    )
