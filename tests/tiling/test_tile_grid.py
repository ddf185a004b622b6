"""Tiles cover every pixel once, and their windows hold the halo and no more than the picture."""

from __future__ import annotations

import numpy as np
import pytest

from stylekernel_hf.tiling.tile_grid import Span, grid


@pytest.mark.parametrize("size", [16, 40, 64, 1000])
@pytest.mark.parametrize(
    ("rows", "columns"), [(Span(0, 96), Span(0, 200)), (Span(10, 87), Span(3, 20))]
)
def test_tiles_cover_every_pixel_once(rows: Span, columns: Span, size: int) -> None:
    covered = np.zeros((96, 200), int)
    for tile in grid(rows, columns, size, halo=24, cell=8, bounds=(96, 200)):
        assert max(tile.rows.stop - tile.rows.start, tile.columns.stop - tile.columns.start) <= size
        covered[slice(*tile.rows), slice(*tile.columns)] += 1
    inside = np.zeros_like(covered)
    inside[slice(*rows), slice(*columns)] = 1
    assert np.array_equal(covered, inside)


def test_windows_are_whole_cells_with_the_halo_inside_the_picture() -> None:
    for tile in grid(Span(5, 90), Span(5, 190), 32, halo=20, cell=8, bounds=(95, 200)):
        for own, window, limit in (
            (tile.rows, tile.window_rows, 95),
            (tile.columns, tile.window_columns, 200),
        ):
            assert window.start % 8 == 0
            assert window.stop % 8 == 0 or window.stop == limit
            assert 0 <= window.start <= max(0, own.start // 8 * 8 - 20)
            assert min(limit, -(-own.stop // 8) * 8 + 20) <= window.stop <= limit
            # Up to 7 px from the tile to whole cells, 24 px of halo.
            assert own.start - window.start < 32 and window.stop - own.stop < 32


def test_tiles_are_nearly_equal() -> None:
    tiles = grid(Span(0, 1000), Span(0, 64), 900, halo=0, cell=8, bounds=(1000, 64))
    assert [tile.rows for tile in tiles] == [Span(0, 496), Span(496, 1000)]
    tiles = grid(Span(0, 13 * 16), Span(0, 64), 64, halo=0, cell=16, bounds=(13 * 16, 64))
    assert [(tile.rows.stop - tile.rows.start) // 16 for tile in tiles] == [3, 3, 3, 4]
