"""Every spec of specs/ is loaded, built by every backend and compared."""

from pathlib import Path

import numpy as np
import pytest

from cnnspec import build, compare_backends, dump_spec, load_spec, parse_spec, resolve

SPECS = sorted((Path(__file__).parents[1] / "specs").glob("*.yaml"))


def test_there_are_specs() -> None:
    names = {path.stem for path in SPECS}
    assert {"digits", "notebook-scratch", "notebook-torch", "lenet5", "vgg-small"} <= names


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_loads_and_is_written_back(path: Path) -> None:
    spec = load_spec(path)
    assert spec.name == path.stem
    assert parse_spec(dump_spec(spec)) == spec


@pytest.mark.parametrize("backend", ["numpy", "torch", "loops"])
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_builds(path: Path, backend: str) -> None:
    spec = load_spec(path)
    plan = resolve(spec)
    network = build(plan, spec.training, backend)
    assert {name: array.shape for name, array in network.state().items()} == plan.parameters
    logits = network.predict(np.zeros((1, *plan.input), np.float32))
    assert logits.shape == (1, plan.classes)


@pytest.mark.torch
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (path.stem == "vgg-small"))
        for path in SPECS
    ],
)
def test_numpy_and_torch_are_the_same_function(path: Path) -> None:
    spec = load_spec(path, overrides=["training.batch_size=4"])
    verdict = compare_backends(spec.model_copy(update={"data": None}), steps=5)
    assert verdict.verdict == "same", [found for found in verdict.quantities if not found.ok]


def test_numpy_and_loops_are_the_same_function() -> None:
    spec = load_spec(SPECS[0].with_stem("digits"), overrides=["training.batch_size=2"])
    spec = spec.model_copy(update={"data": None})
    assert compare_backends(spec, ("numpy", "loops"), steps=3).verdict == "same"
