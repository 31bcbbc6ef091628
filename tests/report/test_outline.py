"""The tree that a plan was is found in its names and in what its joins read."""

import pytest

from cnnspec.compare.planted.random_specs import random_spec
from cnnspec.plan import resolve
from cnnspec.report.outline import Block, LayerEntry, outline
from cnnspec.spec.composites import Parallel, Repeat, Residual
from cnnspec.spec.layers import Conv, ReLU
from cnnspec.spec.model import ModelSpec

CONV = Conv(out_channels=3, kernel_size=1)


@pytest.mark.parametrize("number", range(40))
def test_every_layer_is_in_the_tree_once_and_in_order(number: int) -> None:
    plan = resolve(random_spec(8, number))
    found = [
        layer
        for entry in outline(plan)
        for layer in ([entry.first] if isinstance(entry, LayerEntry) else entry.layers)
    ]
    assert found == [*plan.layers]


def test_blocks_and_branches() -> None:
    inner = Residual(name="inner", body=[ReLU()])
    paths = Parallel(paths=[[], [inner, ReLU()], [CONV]])
    plan = resolve(ModelSpec(input=(3, 4, 4), layers=[CONV, Repeat(times=2, layers=[paths])]))
    first, repeat = outline(plan)
    assert isinstance(first, LayerEntry)
    assert isinstance(repeat, Block)
    assert (first.name, repeat.name, repeat.path, repeat.join) == (
        *("conv1", "repeat1", "repeat1", None),
    )
    assert [branch.label for branch in repeat.branches] == ["0", "1"]
    assert not repeat.are_alike  # the second has more channels
    (parallel,) = repeat.once.entries
    assert isinstance(parallel, Block)
    assert parallel.path == "repeat1.0.parallel1"
    assert [way and way.label for way in parallel.ways] == [None, "paths.1", "paths.2"]
    assert parallel.labels == ("paths.0", "paths.1", "paths.2")
    residual, relu = parallel.branches[0].entries
    assert isinstance(residual, Block)
    assert isinstance(relu, LayerEntry)
    assert residual.labels == ("body", "")
    assert residual.path == "repeat1.0.parallel1.paths.1.inner"
    assert relu.first.name == "repeat1.0.parallel1.paths.1.relu1"
    assert relu.last.name == "repeat1.1.parallel1.paths.1.relu1"
