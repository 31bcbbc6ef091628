"""Every spec of specs/ is loaded, built by every backend and compared."""

from pathlib import Path

import numpy as np
import pytest

from cnnspec import build, compare_backends, dump_spec, load_spec, parse_spec, resolve

LARGE = {"densenet-small", "inception-small", "notebook-scratch", "resnet20", "vgg-small"}
"""What takes long to run by loops."""
COMPARED = {"digits", "lenet5"}
"""What takes little time to compare."""

SPECS = sorted((Path(__file__).parents[1] / "specs").glob("*.yaml"))


def test_there_are_specs() -> None:
    names = {path.stem for path in SPECS}
    assert {"digits", "notebook-torch", "lenet5"} | LARGE <= names


slow_if_large = pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (path.stem in LARGE))
        for path in SPECS
    ],
)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_loads_and_is_written_back(path: Path) -> None:
    spec = load_spec(path)
    assert spec.name == path.stem
    assert parse_spec(dump_spec(spec)) == spec


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_builds(path: Path, backend: str) -> None:
    builds(path, backend)


@slow_if_large
def test_builds_of_loops(path: Path) -> None:
    builds(path, "loops")


def builds(path: Path, backend: str) -> None:
    spec = load_spec(path)
    plan = resolve(spec)
    network = build(plan, spec.training, backend)
    assert {name: array.shape for name, array in network.state().items()} == plan.state
    logits = network.predict(np.zeros((1, *plan.input), np.float32))
    assert logits.shape == (1, plan.classes)


def test_resnet20_has_the_parameters_of_the_paper() -> None:
    """With 1x1 projections in place of the paper's zero padding, which has 269,722."""
    assert resolve(load_spec(SPECS[0].with_stem("resnet20"))).parameter_count == 272_474


@pytest.mark.torch
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (path.stem not in COMPARED))
        for path in SPECS
    ],
)
def test_numpy_and_torch_are_the_same_function(path: Path) -> None:
    spec = load_spec(path, overrides=["training.batch_size=4"])
    verdict = compare_backends(spec.model_copy(update={"data": None}), steps=5)
    assert verdict.verdict == "same", [found for found in verdict.comparisons if not found.ok]


@pytest.mark.slow
def test_numpy_and_loops_are_the_same_function() -> None:
    spec = load_spec(SPECS[0].with_stem("digits"), overrides=["training.batch_size=2"])
    spec = spec.model_copy(update={"data": None})
    assert compare_backends(spec, ("numpy", "loops"), steps=1).verdict == "same"
