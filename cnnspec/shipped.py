"""The specs that come with cnnspec: ready models, found by name."""

from __future__ import annotations

from pathlib import Path

FOLDERS = (Path(__file__).parent / "specs", Path(__file__).parents[1] / "specs")
"""Where they lie: in the package as it is installed; in a clone beside the package."""


def shipped_specs() -> dict[str, Path]:
    """Return the file of each spec that comes with cnnspec, by its name, as in `digits`.

    `load_spec(shipped_specs()["digits"])` reads one; on the command line its name alone does.
    """
    return {path.stem: path for path in sorted(folder().glob("*.yaml"))}


def folder() -> Path:
    """Return the folder that they lie in."""
    installed, cloned = FOLDERS
    return installed if installed.is_dir() else cloned


def is_installed(path: str | Path) -> bool:
    """Tell whether a spec lies in the package as it is installed; a clone's are the user's own."""
    installed, _ = FOLDERS
    return Path(path).resolve().parent == installed.resolve()
