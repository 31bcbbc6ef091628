"""torchvision downloads MNIST and its kin, and reads in them what NumPy does."""

import os
import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from cnnspec import MNIST, DataError, FashionMNIST, load_data
from cnnspec.data import vision
from cnnspec.spec import DataSource

DATA = os.environ.get("CNNSPEC_DATA")
real = pytest.mark.skipif(
    not DATA, reason="CNNSPEC_DATA is not set: it names the folder of MNIST/raw and its kin"
)
NAMES = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}


@real
@pytest.mark.torch
@pytest.mark.parametrize("kind", [MNIST, FashionMNIST])
def test_torchvision_reads_the_same(kind: type[DataSource]) -> None:
    assert DATA
    ours = load_data(kind(), DATA)
    dataset = getattr(vision._import_past_the_fakes(), NAMES[kind.keyword])
    for split, train in ((ours.train, True), (ours.test, False)):
        theirs = dataset(DATA, train=train, download=False)
        assert np.array_equal(split.images[:, 0], theirs.data.numpy() / np.float32(255))
        assert np.array_equal(split.labels, theirs.targets.numpy())


class Datasets(types.ModuleType):
    """torchvision.datasets, whose MNIST copies what somebody has, or fails."""

    def __init__(self, found: Path | None, error: Exception | None = None) -> None:
        super().__init__("torchvision.datasets")
        self.asked: list[tuple[Path, bool]] = []
        self._found, self._error = found, error

    def MNIST(self, root: Path, download: bool) -> None:  # noqa: N802
        self.asked.append((root, download))
        if self._error:
            raise self._error
        assert self._found
        shutil.copytree(self._found, root / "MNIST" / "raw")


@real
def test_missing_files_are_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert DATA
    datasets = Datasets(Path(DATA) / "MNIST" / "raw")
    monkeypatch.setattr(vision, "_import_past_the_fakes", lambda: datasets)
    found = load_data(MNIST(train_samples=5, test_samples=5), tmp_path)
    assert found.train.labels.tolist() == [5, 0, 4, 1, 9]
    assert datasets.asked == [(tmp_path, True)]
    folder = tmp_path / "MNIST" / "raw"
    assert capsys.readouterr().err == f"downloading MNIST to {folder} ...\n"
    load_data(MNIST(train_samples=5, test_samples=5), tmp_path)
    assert len(datasets.asked) == 1


def refusal(data_dir: Path) -> str:
    with pytest.raises(DataError) as caught:
        load_data(MNIST(), data_dir)
    return str(caught.value)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError("no route\nto the host"), "to the host"),
        (RuntimeError("File not found or corrupted."), "File not found or corrupted."),
        (ValueError(), "ValueError()"),
        (OSError("\x1b[31mred"), "\ufffd[31mred"),
    ],
)
def test_a_download_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    monkeypatch.setattr(vision, "_import_past_the_fakes", lambda: Datasets(None, error))
    assert refusal(tmp_path).startswith(
        f"MNIST is neither in {tmp_path}/MNIST/raw nor in {tmp_path}; it could not be downloaded "
        f"({reason}); put its four files there"
    )


@pytest.mark.torch
def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package, blocked in (("torchvision", "torchvision"), ("torch", "torch")):
        with monkeypatch.context() as patch:
            if blocked == "torch":
                for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
                    patch.delitem(sys.modules, name)
            patch.setitem(sys.modules, blocked, None)
            assert (
                f"it would be downloaded, but the package `{package}` is not installed (pip "
                "install 'cnnspec[torch]')"
            ) in refusal(tmp_path)


def test_a_torchvision_that_cannot_be_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ImportError("undefined symbol")

    monkeypatch.setattr(vision, "_import_past_the_fakes", fail)
    assert "but torchvision cannot be imported (undefined symbol)" in refusal(tmp_path)
