"""The columns of convolutions in tiles: all outputs, once each, and the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from cnnspec import build
from cnnspec.backends.numpy import columns
from cnnspec.backends.numpy.columns import Columns, Sliding, _blocks
from cnnspec.spec.training import Training
from cnnspec.trace import Array, LayerTrace
from tests.cases import CONVS, Case, normal

IMAGES = 3


def replayed(case: Case, name: str) -> LayerTrace:
    network = build(case.plan, Training(precision="float64"), "numpy")
    at = case.plan.layer("layer")
    x = normal((IMAGES, *at.input), name, "x")
    return network.replay("layer", x, normal((IMAGES, *at.output), name, "grad_output"))


@pytest.mark.parametrize("name", CONVS)
@pytest.mark.parametrize("least", [1, 2 * IMAGES, 7 * IMAGES])
def test_tiles_of_any_size_give_the_same(
    name: str, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = replayed(CONVS[name], name)
    tiles: list[int] = []
    over = Columns.over

    def counted(self: Columns, padded: Array) -> list[columns.Tile]:
        found = over(self, padded)
        tiles.append(len(found))
        return found

    monkeypatch.setattr(columns, "TILE", 1)
    monkeypatch.setattr(columns, "LEAST", least)
    monkeypatch.setattr(Columns, "over", counted)
    cut = replayed(CONVS[name], name)
    _, height, width = CONVS[name].plan.layer("layer").output
    cells = max(1, least // IMAGES)
    assert tiles[0] == (
        -(-height // (cells // width)) if cells >= width else height * -(-width // cells)
    )
    np.testing.assert_allclose(cut.output, whole.output, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(cut.grad_input, whole.grad_input, rtol=1e-11, atol=1e-12)
    for key, gradient in whole.grad_parameters.items():
        np.testing.assert_allclose(cut.grad_parameters[key], gradient, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("outputs", [(1, 1), (5, 7), (7, 5), (1, 9), (9, 1)])
@pytest.mark.parametrize("most", [1, 2, 5, 6, 7, 13, 100])
def test_blocks_cover_all_outputs_in_order(outputs: tuple[int, int], most: int) -> None:
    blocks = list(_blocks(outputs, most))
    cells = [(row, column) for rows, across in blocks for row in rows for column in across]
    assert cells == list(np.ndindex(outputs))
    assert max(len(rows) * len(across) for rows, across in blocks) <= most


def test_columns_of_a_tile_are_bounded() -> None:
    sliding = Sliding(groups=1, kernel=(3, 3), stride=(1, 1), dilation=(1, 1), outputs=(62, 62))
    for channels, batch in ((1, 1), (64, 1), (64, 32), (512, 2)):
        tiles = Columns(sliding, np.dtype("float32")).over(
            np.zeros((channels, 64, 64, batch), np.float32)
        )
        most = max(tile.columns.shape[2] for tile in tiles)
        assert most <= max(columns.LEAST, columns.TILE // (channels * 9 * 4), batch)


def test_the_memory_of_the_tiles_is_shared() -> None:
    sliding = Sliding(groups=1, kernel=(3, 3), stride=(1, 1), dilation=(1, 1), outputs=(62, 62))
    tiles = Columns(sliding, np.dtype("float32")).over(np.zeros((64, 64, 64, 4), np.float32))
    assert len(tiles) > 4
    assert len({tile.columns.__array_interface__["data"] for tile in tiles}) == 1
