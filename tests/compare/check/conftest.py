"""A class in a file of its own, checked; and what of it runs on."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cnnspec.compare.check import Checked, check_class
from cnnspec.compare.check.process import run as running

Check = Callable[..., Checked]


def marked(marker: str, value: str) -> list[int]:
    """Return the processes that were started with this in their environment, and run."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:  # it has ended
            continue
        if f"{marker}={value}".encode() in environment and state != "Z":
            found.append(int(process.name))
    return found


def none_left(marker: str, value: str) -> bool:
    """Tell whether all of them have ended, within a while."""
    end = time.monotonic() + 20
    while marked(marker, value):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a class that did not end in two settings little time in the others."""
    monkeypatch.setattr(running, "LEAST", 0.02)


@pytest.fixture
def check(tmp_path: Path) -> Check:
    def run(text: str, name: str, kind: str, **options: object) -> Checked:
        path = tmp_path / "layers.py"
        path.write_text(text)
        return check_class(f"{path}:{name}", kind, **options)  # type: ignore[arg-type]

    return run
