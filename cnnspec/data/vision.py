"""Data sets that torchvision downloads; the only module that imports torchvision."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

from cnnspec.printable import printable


def download(name: str, data_dir: Path) -> str | None:
    """Have torchvision download a data set, whose checksums it holds; or return why it cannot."""
    try:
        datasets = _import_past_the_fakes()
    except ModuleNotFoundError as error:
        package = "torch" if error.name == "torch" else "torchvision"
        return (
            f"it would be downloaded, but the package `{package}` is not installed (pip install "
            "'cnnspec[torch]')"
        )
    except Exception as error:  # of another release of torch, mostly
        return f"it would be downloaded, but torchvision cannot be imported ({_reason(error)})"
    folder = printable(str(data_dir / name / "raw"))
    print(f"downloading {name} to {folder} ...", file=sys.stderr)
    try:
        getattr(datasets, name)(data_dir, download=True)
    except Exception as error:  # of the network, the disk or the checksums
        return f"it could not be downloaded ({_reason(error)})"
    return None


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return printable(lines[-1] if lines else repr(error))


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
