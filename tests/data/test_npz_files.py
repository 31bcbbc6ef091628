"""A .npz file that is damaged, hostile or large: refused by name, or read within its bounds."""

import gc
import io
import os
import pickle
import struct
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec import NPZ, DataError, DataWarning, Limits, load_data
from cnnspec.data import Dataset, survey
from cnnspec.errors import MissingDataError

LABELS = np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
IMAGES = np.arange(10 * 2 * 3, dtype=np.uint8).reshape(10, 2, 3)
TWO = {"images": IMAGES, "labels": LABELS}
AGAIN = "write it with numpy.savez(path, images=..., labels=...)"


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


def test_no_file(path: Path) -> None:
    assert refusal(path) == (
        f"there is no file {path}, which `data.npz.path` names; "
        "write its path from the working directory"
    )


def test_a_path_that_cannot_be() -> None:
    assert refusal(Path("a\0b")).startswith("there is no file ")


def test_a_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path) == (
        f"cannot read {tmp_path}: it is a folder, not a regular file; {AGAIN}"
    )


def test_pickled_objects_are_not_run(path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return path.with_suffix(".run").write_text, ("pickle was run",)

    np.savez(path, images=np.array([Trap()] * 10), labels=LABELS)
    objects = "it holds Python objects, which are not loaded: they could run code"
    assert refusal(path) == f"cannot read `images` of {path}: {objects}; {AGAIN}"
    np.savez(path, images=IMAGES, labels=np.array([Trap()] * 10))
    assert refusal(path) == f"cannot read `labels` of {path}: {objects}; {AGAIN}"
    path.write_bytes(pickle.dumps(Trap()))
    assert refusal(path) == f"cannot read {path} as an .npz file: it is no zip file; {AGAIN}"
    assert not path.with_suffix(".run").exists()


def test_one_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, IMAGES)
    assert refusal(path) == (
        f"cannot read {path} as an .npz file: it is a single array, written by numpy.save; {AGAIN}"
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
    "fewer values than none": shaped("|u1", "(-10, -2, 3)") + bytes(60),
    "a shape of truths": shaped("|u1", "(10, True, 6)") + bytes(60),
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
    assert refusal(path).startswith("cannot read ")
    assert str(path) in refusal(path)


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


# What is no regular file, or beyond a size.


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (os.mkfifo, "a pipe"),
        (lambda path: path.symlink_to("/dev/zero"), "a device"),
        (lambda path: path.symlink_to("/dev/tty"), "a device"),
        (Path.mkdir, "a folder"),
    ],
    ids=["pipe", "zeros", "terminal", "folder"],
)
def test_what_is_no_file_is_refused_at_once(
    path: Path, make: Callable[[Path], object], kind: str
) -> None:
    make(path)
    assert refusal(path) == f"cannot read {path}: it is {kind}, not a regular file; {AGAIN}"


def test_a_file_beyond_the_limit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(WHOLE)
    monkeypatch.setattr("cnnspec.data.archive.MOST_BYTES", len(WHOLE))
    assert len(load(path).train) == 8
    monkeypatch.setattr("cnnspec.data.archive.MOST_BYTES", len(WHOLE) - 1)
    assert refusal(path).startswith(f"cannot read {path}: it has {len(WHOLE):,} bytes; at most ")


def test_a_missing_file_is_told_apart(path: Path) -> None:
    with pytest.raises(MissingDataError) as caught:
        load(path / "below" / "nothing.npz")
    assert caught.value.option == "path"


def test_nothing_of_a_file_moves_the_terminal(path: Path) -> None:
    evil = "\x1b]0;evil\x07\x1b[2J\r\n\u202ename"
    np.savez(path, **{evil: IMAGES, "y": LABELS})
    for options in ({}, {"images": evil, "labels": evil}, {"images": evil, "layout": "nchw"}):
        message = refusal(path, **options)
        assert message.isprintable()
        assert "evil" in message
    path.rename(path.with_name(evil[-4:] + "\x1b[31m.npz"))
    assert refusal(path.with_name("\x1b[31m")).isprintable()


def test_many_and_long_names_are_cut(path: Path) -> None:
    np.savez(path, **{f"{number}" + "x" * 500: LABELS for number in range(100)})
    message = refusal(path)
    assert "92 more" in message
    assert len(message) < 1000


# What a hostile archive costs.


def peak(work: Callable[[], object]) -> int:
    """Return the most bytes that some work holds at once, the arrays' among them."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def zeros(path: Path, name: str, shape: str, count: int, descr: str = "|u1") -> None:
    """Add an array of zeros to an archive, a thousand times as small as itself."""
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file,
        file.open(f"{name}.npy", "w", force_zip64=True) as stream,
    ):
        stream.write(shaped(descr, shape))
        for _ in range(count // 2**20):
            stream.write(bytes(2**20))
        stream.write(bytes(count % 2**20))


def test_a_bomb_that_is_not_used_costs_nothing(path: Path) -> None:
    np.savez(path, **TWO)
    zeros(path, "bomb", "(100000000,)", 100_000_000)
    assert peak(lambda: load(path)) < 3e6
    assert peak(lambda: refusal(path, images="labels", labels="bomb")) < 3e6


def claim(path: Path, name: str, shape: str, size: int) -> None:
    """Add an array whose header and whose entry in the archive promise more than there is."""
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(f"{name}.npy", shaped("|u1", shape) + bytes(100))
    content = bytearray(path.read_bytes())
    entry = content.rindex(f"{name}.npy".encode()) - 46
    assert content[entry : entry + 4] == DIRECTORY
    content[entry + 24 : entry + 28] = struct.pack("<I", size + len(shaped("|u1", shape)))
    path.write_bytes(content)


def test_a_bomb_in_the_place_of_images_is_refused_by_its_header(path: Path) -> None:
    claim(path, "images", "(2, 20000, 30000)", 1_200_000_000)
    zeros(path, "labels", "(2,)", 2)
    assert peak(lambda: refusal(path)) < 3e6
    assert refusal(path) == (
        "the images of `npz` are 1.2 billion numbers, 4.8 GB; the limit is 1 billion; ask for "
        "fewer by `train_samples` and `test_samples`, or lift the limit with "
        "`limits: {images: 1200000000}`"
    )


def test_a_bomb_in_the_place_of_labels(path: Path) -> None:
    claim(path, "images", "(200000000, 1, 1)", 200_000_000)
    claim(path, "labels", "(200000000,)", 200_000_000)
    assert peak(lambda: refusal(path)) < 3e6
    assert refusal(path) == (
        f"{path}: `images` has 200,000,000 images; at most 100,000,000 are read; store fewer"
    )


def test_many_labels_cost_little_more_than_themselves(path: Path) -> None:
    zeros(path, "images", "(8000000, 1, 1)", 8_000_000)
    zeros(path, "labels", "(8000000,)", 8_000_000)
    with pytest.warns(DataWarning, match="they hardly differ"):
        most = peak(lambda: load(path, train_samples=10, test_samples=10))
    # The labels, which of them are tested, and the reverse of that; and a block that is sorted.
    assert 8e6 < most < 3 * 8e6 + 6e6


def test_what_is_beyond_the_limit_is_not_read_by_a_survey(path: Path) -> None:
    claim(path, "images", "(2, 20000, 30000)", 1_200_000_000)  # of which 100 bytes are there
    zeros(path, "labels", "(2,)", 2)
    seen = survey(NPZ(path=str(path)))
    assert (seen.contents.shape, seen.problems) == ((1, 20000, 30000), ())
    (problem,) = survey(NPZ(path=str(path)), Limits(images=10**10)).problems
    assert problem.message.startswith(f"cannot read `images` of {path}: ")


def test_a_header_without_end(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        content = b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**28) + bytes(2**25)
        file.writestr("images.npy", content)
        file.writestr("labels.npy", member(LABELS))
    del content
    assert peak(lambda: refusal(path)) < 3e6
    assert "its header has 268,435,456 bytes; wanted 1 to 10,000" in refusal(path)


def test_a_list_of_a_million_arrays(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for number in range(20_000):
            file.writestr(f"{number}.npy", b"")
    assert refusal(path) == (
        f"cannot read {path} as an .npz file: its list of arrays is too long; {AGAIN}"
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_numpy_does_not_write(path: Path, method: int) -> None:
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("images.npy", member(IMAGES))
        file.writestr("labels.npy", member(LABELS))
    assert "compressed in another way than numpy.savez_compressed does" in refusal(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_that_is_there_twice(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("images.npy", member(IMAGES))
        file.writestr("images.npy", member(IMAGES + 1))
        file.writestr("labels.npy", member(LABELS))
    assert refusal(path) == f"cannot read `images` of {path}: it is there twice; {AGAIN}"


def test_bytes_behind_the_last_number(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("images.npy", member(IMAGES) + b"\0")
        file.writestr("labels.npy", member(LABELS))
    assert "its header promises 188 bytes, but there are 189" in refusal(path)


# Everything that NumPy writes is read: in blocks, as what it reads itself.


def whole(path: Path, layout: str | None, train: int | None, test: int | None) -> list[np.ndarray]:
    """Read a file all at once, without the code under test."""
    with np.load(path) as arrays:
        images, labels = arrays["images"], arrays["labels"].astype(np.int64)
    pixels = images.astype(np.float32) / np.float32(255 if images.dtype == np.uint8 else 1)
    pixels = pixels[:, None] if images.ndim == 3 else pixels
    pixels = pixels.transpose(0, 3, 1, 2) if layout == "nhwc" else pixels
    order = sorted(range(len(labels)), key=lambda index: labels[index])
    tested = sorted(order[::5])[:test]
    rest = sorted(set(range(len(labels))) - set(order[::5]))[:train]
    return [pixels[rest], labels[rest], pixels[tested], labels[tested]]


@pytest.mark.parametrize("case", range(60))
def test_what_numpy_writes_is_what_is_read(
    path: Path, case: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(case)
    for module in ("stored", "npy"):
        monkeypatch.setattr(f"cnnspec.data.{module}.BLOCK", int(random.integers(1, 300)))
    axes = int(random.integers(3, 5))
    shape = tuple(random.integers(1, 6, axes - 1))
    count = int(random.integers(2, 60))
    dtype = random.choice(["u1", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "g"])
    images = random.integers(0, 256, (count, *shape)).astype(dtype)
    images = images if dtype == "u1" else images / np.array(16, dtype)
    labels = random.integers(0, 4, count).astype(random.choice(["u1", "<i8", ">i4", ">u2"]))
    np_save = random.choice([np.savez, np.savez_compressed])
    order = random.choice(["C", "F"])
    np_save(path, images=np.asarray(images, order=order), labels=labels)
    layout = random.choice(["nchw", "nhwc"]) if axes == 4 else None
    train = int(random.integers(1, count * 4 // 5 + 1)) if random.random() < 0.5 else None
    test = 1 if random.random() < 0.5 else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a single pixel hardly differs
        found = load(path, layout=layout, train_samples=train, test_samples=test)
    got = [found.train.images, found.train.labels, found.test.images, found.test.labels]
    for array, wanted in zip(got, whole(path, layout, train, test), strict=True):
        assert array.dtype == wanted.dtype
        assert np.array_equal(array, wanted)


def test_an_array_of_more_than_four_gigabytes_is_of_no_other_form(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name, array in TWO.items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.save(stream, array)
    assert len(load(path).train) == 8


def test_what_python_2_wrote_is_read(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("images.npy", shaped("|u1", "(10L, 2L, 3L)") + bytes(range(100, 160)))
        file.writestr("labels.npy", member(LABELS))
    assert len(load(path).train) == 8


# Memory: the images that are kept, and no copy of them.

COUNT, SIDE = 1000, 48
FORMS = [
    (np.savez, "u1", "C", "nchw"),
    (np.savez_compressed, "u1", "C", "nhwc"),
    (np.savez, "u1", "F", "nhwc"),
    (np.savez, "f4", "C", "nhwc"),
    (np.savez_compressed, "f4", "F", "nchw"),
    (np.savez, "f8", "C", "nchw"),
]


@pytest.mark.parametrize(("save", "dtype", "order", "layout"), FORMS)
def test_memory(path: Path, save: Callable[..., None], dtype: str, order: str, layout: str) -> None:
    shape = (3, SIDE, SIDE) if layout == "nchw" else (SIDE, SIDE, 3)
    images = (np.arange(COUNT * 3 * SIDE * SIDE) % 256).astype(dtype).reshape(COUNT, *shape)
    images = images if dtype == "u1" else images / np.array(255, dtype)
    save(path, images=np.asarray(images, order=order), labels=np.arange(COUNT) % 10)
    kept = 4 * images.size  # in float32
    raw = images.nbytes if order == "F" else 0  # its rows lie in pieces
    blocks = 6e6
    assert peak(lambda: load(path, layout=layout)) < kept + raw + blocks
    few = {"train_samples": COUNT // 20, "test_samples": COUNT // 40}
    assert peak(lambda: load(path, layout=layout, **few)) < 0.16 * (kept + raw) + blocks


def test_memory_of_four_arrays(path: Path) -> None:
    images = (np.arange(COUNT * SIDE * SIDE) % 256).astype(np.uint8).reshape(COUNT, SIDE, SIDE)
    labels = np.arange(COUNT) % 10
    four = {"train_images": images, "train_labels": labels}
    np.savez(path, **four, test_images=images[:100], test_labels=labels[:100])
    assert peak(lambda: load(path)) < 1.1 * 4 * images.nbytes + 6e6
