"""Where torch is not installed: every spec that comes with cnnspec runs, and messages say how."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cnnspec import load_spec, shipped_specs
from tests.data.small_mnist import write

Call = Callable[..., Any]

SMALLER = "--set training.epochs=1 --set training.batch_size=2"
MISSING = (
    "cnnspec: the torch backend needs the package `torch`, which is not installed; "
    "install it with: pip install 'cnnspec[torch]', or "
)


@pytest.fixture(autouse=True)
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have imports of torch fail as they do where it is not installed."""
    for name in list(sys.modules):
        if name.startswith("cnnspec.backends.torch."):
            monkeypatch.delitem(sys.modules, name)
    for package in ("torch", "torchvision"):
        monkeypatch.setitem(sys.modules, package, None)


@pytest.fixture
def said(call: Call) -> Callable[[str], tuple[int, str]]:
    """Run a command line, and return its code and what stands on stderr."""

    def run(line: str) -> tuple[int, str]:
        done = call(*line.split())
        return done.code, done.err

    return run


@pytest.mark.filterwarnings("ignore::cnnspec.DataWarning")
@pytest.mark.parametrize("name", shipped_specs())
def test_every_shipped_spec_runs(call: Call, folder: Path, name: str) -> None:
    write(folder / "files")
    data = load_spec(shipped_specs()[name]).data
    assert call("build", name).code == 0
    if data is None:
        return
    few = [f"--set data.{data.keyword}.{part}_samples=4" for part in ("train", "test")]
    options = " ".join([SMALLER, *few]).split()
    assert call("train", name, "--data-dir", "files", *options).code == 0
    assert call("evaluate", f"runs/{name}-1", "--data-dir", "files").code == 0


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("build small.yaml --backend torch", "build with --backend numpy"),
        ("train small.yaml --backend torch", "train with --backend numpy"),
        ("evaluate runs/small-1 --backend torch", "test with --backend numpy"),
        ("compare small.yaml", "compare others: --backends numpy,loops"),
        (
            "compare small.yaml --backends torch@float64,loops",
            "compare others: --backends numpy,loops",
        ),
        (
            "compare runs/small-1 runs/small-1 --backends numpy,torch",
            "test both runs on others: --backends numpy,numpy",
        ),
        ("bench small.yaml --seconds 0.01 --no-memory", "leave it out: --backends numpy,loops"),
    ],
)
def test_what_works_without(
    said: Callable[[str], tuple[int, str]], line: str, instead: str
) -> None:
    assert said("train small.yaml")[0] == 0
    assert said(line) == (2, MISSING + instead + "\n")
    words = instead.split("--")[1].split()
    start = line.split(" --back")[0]
    code, _ = said(f"{start} --{words[0]} {words[1]}")
    assert code == 0


def test_a_class_is_checked_and_data_is_looked_at(call: Call, folder: Path) -> None:
    layers = Path(__file__).parents[2] / "examples" / "notebook_layers.py"
    assert call("check", f"{layers}:ReLU", "--as", "relu").code in (0, 1)
    assert call("validate", "small.yaml").code == 0


def test_data_that_is_not_there(call: Call, folder: Path) -> None:
    done = call("train", "small.yaml", "--set", "data=mnist", "--set", "input=[1, 28, 28]")
    assert done.code == 2
    assert (
        f"cnnspec: MNIST is neither in {folder}/data/MNIST/raw nor in {folder}/data; it would be "
        "downloaded, but the package `torchvision` is not installed (pip install "
        "'cnnspec[torch]'); put its four files there ("
    ) in done.err
    assert done.err.endswith("`--set data=digits` trains on what the package carries\n")
