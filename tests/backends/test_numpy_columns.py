"""The columns of convolutions in tiles: all outputs, once each, and the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnspec import build
from cnnspec.backends.numpy import columns
from cnnspec.backends.numpy.columns import Columns, Sliding, _blocks
from cnnspec.backends.numpy.conv import ConvNumPy
from cnnspec.backends.numpy.padding import Padding, RowPadding
from cnnspec.spec.layers import Conv
from cnnspec.spec.sizes import Pair
from cnnspec.spec.training import Training
from cnnspec.trace import Array, LayerTrace
from tests.cases import Case, normal
from tests.kinds.conv import CASES as CONVS

IMAGES = 3
IMAGE = (2, 9, 8)


def replayed(case: Case, name: str) -> LayerTrace:
    network = build(case.plan, Training(precision="float64"), "numpy")
    at = case.plan.layer("layer")
    x = normal((IMAGES, *at.input), name, "x")
    return network.replay("layer", [x], normal((IMAGES, *at.output), name, "grad_output"))


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


@pytest.mark.parametrize("least", [1, 6, 1024])
@pytest.mark.parametrize(
    ("kernel", "dilation", "around"),
    [
        ((3, 3), (1, 1), ((1, 1), (1, 1))),
        ((2, 4), (1, 1), ((0, 1), (1, 2))),
        ((3, 2), (2, 4), ((0, 0), (0, 4))),
        ((1, 2), (1, 1), ((3, 0), (1, 0))),
        ((2, 5), (1, 3), ((-1, 2), (6, 6))),
    ],
)
def test_pretended_columns_beside_the_images_are_zeros(
    kernel: Pair,
    dilation: Pair,
    around: tuple[Pair, Pair],
    least: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(columns, "TILE", 1)
    monkeypatch.setattr(columns, "LEAST", least)
    channels, height, width = 4, 5, 6
    high = height + sum(around[0]) - dilation[0] * (kernel[0] - 1)
    sliding = Sliding(2, kernel, (1, 1), dilation, (high, width))
    dtype = np.dtype("float64")
    paddings = [kind((channels, height, width), around, dtype) for kind in (Padding, RowPadding)]
    both = [Columns(sliding, dtype, ones=True, beside=padding.beside) for padding in paddings]
    assert [columns_of._beside for columns_of in both] == [(0, 0), around[1]]
    random = np.random.default_rng(0)
    for batch in (3, 1, 3):
        images = random.normal(size=(channels, height, width, batch))
        images[:, -1, :], images[:, :, -1] = np.inf, np.nan  # 0 times these would be seen
        wanted, found = (
            [tile.extended.copy() for tile in columns_of.gathered(padding.pad(images))]
            for columns_of, padding in zip(both, paddings)
        )
        assert len(found) == len(wanted)
        for ours, theirs in zip(found, wanted):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"kernel_size": 3, "padding": 1}, RowPadding),
        ({"kernel_size": (2, 4), "padding": "same", "dilation": (1, 3)}, RowPadding),
        ({"kernel_size": 3, "padding": 1, "dilation": 2}, Padding),
        ({"kernel_size": 3}, Padding),
        ({"kernel_size": 1}, Padding),
        ({"kernel_size": 1, "padding": 1}, Padding),
        ({"kernel_size": 3, "padding": 1, "stride": (2, 1)}, Padding),
    ],
)
def test_only_kernels_that_keep_the_width_see_rows_in_one_run(
    options: dict[str, Any], kind: type[Padding | RowPadding]
) -> None:
    layer = Conv(out_channels=2, **options)
    conv = ConvNumPy(layer, IMAGE, layer.output_shape(IMAGE), np.dtype("float32"))
    assert type(conv._padding) is kind
    if conv._gathers:
        assert type(conv._grad_padding) is kind
