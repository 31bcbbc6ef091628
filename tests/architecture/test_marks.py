"""Without torch, every test runs that is not marked `torch`."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def at_the_top(path: Path) -> set[str]:
    """Name the packages that a module imports as soon as it is imported itself."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=lambda path: path.stem)
def test_torch_is_imported_within_the_tests_that_need_it(path: Path) -> None:
    """At the top of a module, it would take the other tests with it where it is missing."""
    torchs = ("torch", "torchvision", "cnnspec.backends.torch.", "cnnspec.data.vision")
    needs = [name for name in at_the_top(path) if f"{name}.".startswith(torchs)]
    assert not needs, f"import {needs[0]} within, or below `if TYPE_CHECKING:`"


@pytest.mark.parametrize(
    "backends",
    ["numpy", "torchs", ("numpy", "loops"), "torch", "torch@threads=2", ["numpy", "torch"]],
)
def test_what_runs_on_torch_by_a_parameter_is_marked(
    backends: object, request: pytest.FixtureRequest
) -> None:
    needs = "torch" in (backends if isinstance(backends, list) else [str(backends).split("@")[0]])
    assert bool(request.node.get_closest_marker("torch")) == needs
