"""Which tile sizes are taken, and which is chosen."""

from __future__ import annotations

import pytest
import torch

import stylekernel_hf.tiling.tile_size as tile_size_module
from stylekernel_hf.model.style_kernel import BORDER_MARGIN
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.pretrained.presets import PRESETS
from stylekernel_hf.tiling.padded_picture import PaddedPicture
from stylekernel_hf.tiling.receptive_field import full_reach
from stylekernel_hf.tiling.tile_side import check_tile_size, largest_tile_size
from stylekernel_hf.tiling.tile_size import choose_tile_size
from stylekernel_hf.tiling.tiled_forward import TiledForward, output_tiles
from tests.tiny import tiny_model


@pytest.mark.parametrize("tile_size", [None, 64, 72, 4096])
def test_multiples_of_the_stride_are_taken(tile_size: int | None) -> None:
    check_tile_size(tile_size, tiny_model().stride)


@pytest.mark.parametrize("tile_size", [0, -64, 56, 65, 100])
def test_too_small_and_odd_sizes_are_refused(tile_size: int) -> None:
    expected = f"tile_size must be a multiple of 8 px and at least 64, got {tile_size}"
    with pytest.raises(ValueError, match=expected):
        check_tile_size(tile_size, tiny_model().stride)


@pytest.mark.parametrize("tile_size", [64.0, "64", True])
def test_other_types_are_refused(tile_size: object) -> None:
    with pytest.raises(TypeError, match="tile_size must be an integer or None, got"):
        check_tile_size(tile_size, tiny_model().stride)  # type: ignore[arg-type]


def test_full_hd_is_painted_in_one_piece_and_4k_in_tiles_by_the_preset_small() -> None:
    with torch.device("meta"):
        model = StyleKernelModel()
    model.to_empty(device="cpu")
    assert choose_tile_size(model, 1080, 1920) is None
    chosen = choose_tile_size(model, 2160, 3840)
    assert chosen is not None
    check_tile_size(chosen, model.stride)
    assert 512 <= chosen < 2160


def test_window_of_the_chosen_tile_fits_into_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model()
    sides: list[int] = []
    for megabytes in (4, 8, 16):
        monkeypatch.setattr(tile_size_module, "WORKING_MEMORY", megabytes * 2**20)
        chosen = choose_tile_size(model, 5000, 4000)
        assert chosen is not None
        window = chosen + 2 * full_reach(model.config)
        # The finest activation, and the kernels of the level of 4 px with what they are made from.
        values = 4 / 2**2 + (8 + 2 * 3**2 + 2 * 8) / 4**2
        assert window**2 * values * 2.3 * 4 <= megabytes * 2**20
        sides.append(chosen)
    assert sides == sorted(set(sides))


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_no_window_is_larger_than_planned(monkeypatch: pytest.MonkeyPatch, strength: float) -> None:
    model = tiny_model()
    monkeypatch.setattr(tile_size_module, "WORKING_MEMORY", 6 * 2**20)
    pixels = 0
    for side in range(64, 2000, 8):
        # The largest square in one piece tells how many pixels there is memory for.
        if choose_tile_size(model, side, side, own_style=strength < 1) is None:
            pixels = (side + 2 * BORDER_MARGIN + 8) ** 2
    for height, width in [(300, 1000), (613, 617), (900, 333), (1234, 321), (64, 3000)]:
        rgb = torch.empty(1, 3, height, width, dtype=torch.uint8)
        side = TiledForward(model, rgb, strength, None).tile_size
        assert side is not None
        picture = PaddedPicture(rgb, model.stride, BORDER_MARGIN)
        tiles = output_tiles(model, picture, height, width, side)
        sizes = [
            (tile.window_rows.stop - tile.window_rows.start)
            * (tile.window_columns.stop - tile.window_columns.start)
            for tile in tiles
        ]
        assert len(sizes) > 1
        assert max(sizes) <= pixels


def test_tiles_of_4k_lie_in_two_rows_of_two() -> None:
    with torch.device("meta"):
        model = StyleKernelModel()
    assert choose_tile_size(model, 2160, 3840, own_style=False) == 1920


@pytest.mark.parametrize("own_style", [False, True])
def test_preset_base_paints_a_working_size_in_one_piece(own_style: bool) -> None:
    with torch.device("meta"):
        model = StyleKernelModel(PRESETS["base"])
    assert choose_tile_size(model, 512, 640, own_style=own_style) is None
    # Half of a tile and its halo, at least, are pixels of its own.
    assert choose_tile_size(model, 1024, 1024, own_style=False) == 512


def test_half_precision_takes_larger_tiles() -> None:
    model = tiny_model()
    single = choose_tile_size(model, 20000, 20000)
    half = choose_tile_size(model.to(dtype=torch.bfloat16), 20000, 20000)
    assert single is not None and half is not None and half > single


@pytest.mark.parametrize(("side", "expected"), [(200, 200), (207, 200), (64, 64), (3, 64)])
def test_largest_tile_size_is_valid(side: int, expected: int) -> None:
    assert largest_tile_size(side, tiny_model().stride) == expected
