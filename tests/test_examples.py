"""Every example runs as it is and prints what it promises."""

from collections.abc import Callable
from pathlib import Path
from runpy import run_path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


NOTEBOOK_FAULTS = [
    "linear1, grad_weight: every number is 0.03125 times the expected one (1/32 = 1/batch_size): ",
    "MaxPool2D has no method `backward`; one is defined inside `forward` (line ",
    "pool1, grad_input: the gradient of each window goes to every cell that equals the maximum",
    "pool1, grad_input: every window over a cell that is the maximum in any window sends its",
    "linear1, own weights: the backward pass updates the weights by 0.01 times the gradient",
]
"""The notebook's five faults of layers, in the order of NetworkTies and NetworkSharedMask."""


Run = Callable[[str], list[str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run an example within this process: importing would take longer than most of them."""

    def lines_of(name: str) -> list[str]:
        run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out.splitlines()

    return lines_of


def test_all_are_run_here() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.suffix == ".py"} == {
        "train_in_python.py",
        "compare_in_python.py",
        "notebook.py",
        "notebook_layers.py",
    }


def test_train_in_python(run: Run) -> None:
    lines = run("train_in_python.py")
    assert lines[0] == "name: in-python"
    assert "2,730 parameters, 11,776 multiply-accumulates an image" in lines
    assert float(lines[-1].split()[-2]) > 90


@pytest.mark.torch
def test_compare_in_python(run: Run) -> None:
    lines = run("compare_in_python.py")
    assert lines[0] == "numpy and torch: same"
    assert len(lines) == 5


@pytest.mark.torch
@pytest.mark.slow
def test_notebook(run: Run) -> None:
    right, divided, first, mended = run("notebook.py")
    assert float(right.split()[-2]) > float(divided.split()[-2]) + 10
    assert first == "first divergence: linear1, grad_weight, in float64"
    assert mended == "mended: same"


def test_notebook_layers(run: Run) -> None:
    text = "\n".join(run("notebook_layers.py"))
    for wanted in NOTEBOOK_FAULTS:
        assert wanted in text


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_says_what_it_shows(path: Path) -> None:
    assert path.read_text().startswith(('"""', "# %% [markdown]"))
