"""survey(): what `validate` sees in a file is what `load_data` says of it, at its place."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec import MNIST, NPZ, DataError, Digits, Limits, load_data
from cnnspec.data import survey
from cnnspec.errors import DataWarning
from cnnspec.spec import Inspection, inspect_spec
from cnnspec.spec.data.contents import Contents, Survey

LABELS = np.arange(40) % 4
IMAGES = (np.arange(40 * 3 * 8 * 8) % 256).astype(np.uint8).reshape(40, 3, 8, 8)

SPEC = """\
input: [3, 8, 8]
layers:
  - conv: {out_channels: 2, kernel_size: 3}
  - flatten
  - linear: {out_features: 4}
data:
  npz:
    path: mine.npz
training: {batch_size: 8}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def looked(*overrides: str) -> Inspection:
    return inspect_spec(SPEC, file="spec.yaml", overrides=overrides, look=survey)


def found(*overrides: str) -> list[tuple[str, int, int]]:
    return [
        (problem.code, problem.location.line, problem.location.column)
        for problem in looked(*overrides).diagnostics
        if problem.location
    ]


def test_a_file_that_fits(folder: Path) -> None:
    np.savez("mine.npz", images=IMAGES, labels=LABELS)
    assert looked().diagnostics == ()
    assert looked().spec is not None
    assert survey(NPZ(path="mine.npz")).contents == Contents((3, 8, 8), 4, 32, 8)


def test_nothing_is_opened_unless_it_is_asked_for(folder: Path) -> None:
    assert inspect_spec(SPEC).diagnostics == ()


def test_a_file_that_is_not_there_is_a_warning(folder: Path) -> None:
    assert found() == [("missing-data", 8, 11)]
    assert looked().spec is not None
    assert looked("training.batch_size=0").spec is None
    assert ("missing-data", 8, 11) in found("training.batch_size=0")


def test_a_file_that_is_no_file_is_an_error(folder: Path) -> None:
    (folder / "mine.npz").mkdir()
    assert found() == [("unreadable-data", 8, 11)]
    assert looked().spec is None


@pytest.mark.parametrize(
    ("arrays", "overrides", "expected"),
    [
        ({"x": IMAGES, "labels": LABELS}, (), ("unreadable-data", 8, 11)),
        ({"x": IMAGES, "labels": LABELS}, ("data.npz.images=y",), ("unreadable-data", 1, 17)),
        ({"images": IMAGES, "labels": LABELS[:3]}, (), ("unreadable-data", 7, 3)),
        ({"images": IMAGES, "labels": LABELS - 1}, (), ("unreadable-data", 7, 3)),
        ({"images": IMAGES[:, 0, 0], "labels": LABELS}, (), ("unreadable-data", 7, 3)),
        (
            {"images": IMAGES, "labels": LABELS},
            ("data.npz.layout=nhw",),
            ("unreadable-data", 1, 17),
        ),
        ({"images": IMAGES * np.nan, "labels": LABELS}, (), ("unreadable-data", 7, 3)),
        ({"images": IMAGES[:, :1], "labels": LABELS}, (), ("input-mismatch", 1, 8)),
        ({"images": IMAGES.transpose(0, 2, 3, 1), "labels": LABELS}, (), ("input-mismatch", 1, 8)),
        ({"images": IMAGES, "labels": LABELS + 1}, (), ("too-few-logits", 5, 28)),
        (
            {"images": IMAGES, "labels": LABELS},
            ("data.npz.train_samples=33",),
            ("too-few-images", 1, 24),
        ),
        (
            {"images": IMAGES, "labels": LABELS},
            ("data.npz.normalize={mean: [1], std: [1]}",),
            ("normalize-channels", 1, 20),
        ),
        ({"images": IMAGES, "labels": LABELS}, ("limits.images=100",), ("too-much-data", 7, 3)),
    ],
)
def test_what_train_refuses_is_an_error_at_its_place(
    folder: Path, arrays: dict[str, Any], overrides: tuple[str, ...], expected: tuple[str, int, int]
) -> None:
    with np.errstate(all="ignore"):
        np.savez("mine.npz", **arrays)
    seen = looked(*overrides)
    assert expected in found(*overrides)
    assert seen.spec is None
    spec = inspect_spec(SPEC, overrides=overrides).spec  # which train reads, before it loads
    if spec is None:
        return
    with pytest.raises(DataError) as caught:
        load_data(spec.data, limits=spec.limits).check_fits(spec.input, 4)
    (problem,) = [problem for problem in seen.diagnostics if problem.code == expected[0]]
    assert str(caught.value) == f"{problem.message}; {problem.help}"


def test_what_train_warns_of(folder: Path) -> None:
    np.savez("mine.npz", images=IMAGES.astype(float), labels=LABELS)
    assert found() == [("odd-pixels", 7, 3)]
    (problem,) = looked().diagnostics
    with pytest.warns(DataWarning) as caught:
        load_data(NPZ(path="mine.npz"))
    assert [str(warning.message) for warning in caught] == [f"{problem.message}; {problem.help}"]
    assert found("layers.linear1.out_features=9") == [("spare-logits", 1, 29), ("odd-pixels", 7, 3)]
    assert found("training.batch_size=99") == [("one-batch", 1, 21), ("odd-pixels", 7, 3)]


def test_the_help_for_a_layout_is_a_way_out(folder: Path) -> None:
    np.savez("mine.npz", images=IMAGES.transpose(0, 2, 3, 1), labels=LABELS)
    large = "layers.conv1.kernel_size=5"
    (problem,) = looked(large).diagnostics  # and not that the kernel is too large for 3 columns
    assert problem.help.startswith("write `layout: nhwc` in `data.npz`")
    assert looked("data.npz.layout=nhwc").diagnostics == ()


def test_one_problem_hides_no_other(folder: Path) -> None:
    np.savez("mine.npz", images=IMAGES, labels=LABELS + 1)
    assert [code for code, *_ in found("training.epochs=x", "layers.linear1.bias=x")] == [
        "wrong-type",
        "wrong-type",
        "too-few-logits",
    ]
    assert [code for code, *_ in found("data.npz.images=1")] == ["wrong-type"]


def test_only_the_labels_that_are_kept_count(folder: Path) -> None:
    np.savez("mine.npz", images=IMAGES, labels=np.where(np.arange(40) < 20, 0, 9))
    assert survey(NPZ(path="mine.npz", train_samples=10, test_samples=4)).contents.classes == 1
    assert survey(NPZ(path="mine.npz")).contents.classes == 10


def test_what_is_known_beforehand_is_neither_opened_nor_downloaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CNNSPEC_DATA", raising=False)
    monkeypatch.setattr("cnnspec.data.vision.download", lambda name, folder: "it is not asked for")
    for source in (Digits(), MNIST()):
        assert survey(source, Limits(images=1)) == Survey(source.known)


def test_nothing_is_kept(folder: Path) -> None:
    import tracemalloc

    images = (np.arange(2000 * 1024) % 256).astype(np.uint8).reshape(2000, 32, 32)
    np.savez("mine.npz", images=images, labels=np.arange(2000) % 4)
    tracemalloc.start()
    assert survey(NPZ(path="mine.npz")).problems == ()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6  # blocks of a megabyte in uint8 and in float32; the images have 8.2e6
