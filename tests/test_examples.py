"""Every example runs as a program of its own and prints what it promises."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_all_are_run_here() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.suffix == ".py"} == {
        "train_in_python.py",
        "compare_in_python.py",
        "notebook.py",
    }


def test_train_in_python() -> None:
    lines = run("train_in_python.py")
    assert lines[0] == "name: in-python"
    assert "2,730 parameters, 11,776 multiply-accumulates an image" in lines
    assert float(lines[-1].split()[-2]) > 90


def test_compare_in_python() -> None:
    lines = run("compare_in_python.py")
    assert lines[0] == "numpy and torch: same"
    assert len(lines) == 5


def test_notebook() -> None:
    right, divided, first, mended = run("notebook.py")
    assert float(right.split()[-2]) > float(divided.split()[-2]) + 10
    assert first == "first divergence: linear1, grad_weight, in float64"
    assert mended == "mended: same"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_says_what_it_shows(path: Path) -> None:
    assert path.read_text().startswith(('"""', "# %% [markdown]"))
