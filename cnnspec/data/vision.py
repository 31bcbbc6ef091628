"""MNIST and its kin through torchvision.datasets; the only module that imports torchvision."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnspec.errors import DataError, MissingExtraError

Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]

_CLASSES = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}


def read_torchvision(kind: str, data_dir: Path) -> tuple[Arrays, Arrays]:
    """Return ((train images, labels), (test images, labels)), downloaded where missing.

    Shapes:
        images (n, h, w) uint8, labels (n,).

    Raises:
        DataError: the files are not there and cannot be downloaded, or are damaged.
        MissingExtraError: torchvision is not installed.
    """
    dataset = getattr(_import_datasets(kind), _CLASSES[kind])
    train, test = (_read(dataset, data_dir, train=part) for part in (True, False))
    return train, test


def _read(dataset: Any, data_dir: Path, *, train: bool) -> Arrays:
    folder = data_dir / dataset.__name__ / "raw"
    try:
        try:
            found = dataset(data_dir, train=train, download=False)
        except RuntimeError:  # torchvision's "Dataset not found"
            print(f"downloading {dataset.__name__} to {folder} ...", file=sys.stderr)
            found = dataset(data_dir, train=train, download=True)
        images, labels = found.data.numpy(), found.targets.numpy()
        if len(images) != len(labels):
            raise ValueError(f"{len(images)} images but {len(labels)} labels")
    except Exception as error:  # torchvision answers a damaged file with almost anything
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else repr(error)
        raise DataError(
            f"{dataset.__name__} is not readable in {folder.absolute()}, and could not be "
            f"downloaded ({reason}); put its four idx-ubyte files there, or name the folder that "
            f"holds {dataset.__name__}/raw by --data-dir or CNNSPEC_DATA"
        ) from None
    return images, labels


def _import_datasets(kind: str) -> Any:
    try:
        return _import_past_the_fakes()
    except ModuleNotFoundError as error:
        package = "torch" if error.name == "torch" else "torchvision"
        raise MissingExtraError(f"the data `{kind}`", package, "torch") from None
    except ImportError as error:
        raise DataError(f"the data `{kind}` needs torchvision, which fails: {error}") from None


_FAKES = "torchvision._meta_registrations"


def _import_past_the_fakes() -> Any:
    """Import torchvision.datasets, also where torchvision's compiled operators do not load.

    torchvision from a package index is built for CUDA. Beside a CPU-only torch its
    operators are missing, and `torchvision._meta_registrations` fails as it registers
    fakes for them (pytorch/vision issue 9337). Data sets need none of them, so an empty
    module takes its place.
    """
    try:
        import torchvision.datasets
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        sys.modules[_FAKES] = types.ModuleType(_FAKES)
        try:
            import torchvision.datasets
        except BaseException:
            del sys.modules[_FAKES]
            raise
    return torchvision.datasets
