"""What to do where a file cannot be loaded, since something around it is missing."""

from __future__ import annotations

from pathlib import Path

MAIN = 'put what is run under `if __name__ == "__main__":`'
"""What to do about a file that does more than define, when it is loaded."""


def way_out(error: BaseException, file: str) -> str:
    """Return what to do about an error; nothing where only the code can be changed."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"; {_where_to_find(error.name, Path(file))}"
    if isinstance(error, EOFError) and "reading a line" in str(error):
        return f"; nobody is there to answer `input()`: {MAIN}"
    if isinstance(error, FileNotFoundError):
        return f"; it was looked for from {Path.cwd()}"
    return ""


def _where_to_find(name: str, file: Path) -> str:
    inside = Path(*name.split("."))
    for folder in file.parents:
        if (folder / inside).is_dir() or (folder / inside).with_suffix(".py").is_file():
            return f"`{name}` lies in {folder}: run this from there, or set PYTHONPATH={folder}"
    top = name.partition(".")[0]
    return (
        f"no `{top}` is installed here, nor lies in a folder above the file: run this from its "
        f"project's root, or set PYTHONPATH; whether to install it is for you to decide"
    )
