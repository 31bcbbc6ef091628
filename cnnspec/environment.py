"""What results depend on besides the spec: versions and machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version


def environment() -> dict[str, str | int]:
    """Return the versions of what computes; a package that is not installed is left out."""
    found: dict[str, str | int] = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpus": os.cpu_count() or 1,
    }
    for package in ("cnnspec", "numpy", "torch"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
