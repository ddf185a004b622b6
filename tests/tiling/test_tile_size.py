"""Which tile sizes are taken, and which is chosen."""

from __future__ import annotations

import pytest
import torch

import stylekernel_hf.tiling.tile_size as tile_size_module
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.tiling.receptive_field import full_reach
from stylekernel_hf.tiling.tile_side import check_tile_size, largest_tile_size
from stylekernel_hf.tiling.tile_size import choose_tile_size
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
        # One activation of every stage of the tiny encoder, five times alive.
        values = 4 / 2**2 + 8 / 4**2 + 8 / 8**2
        assert window**2 * values * 5 * 4 <= megabytes * 2**20
        sides.append(chosen)
    assert sides == sorted(set(sides))


def test_half_precision_takes_larger_tiles() -> None:
    model = tiny_model()
    single = choose_tile_size(model, 20000, 20000)
    half = choose_tile_size(model.to(dtype=torch.bfloat16), 20000, 20000)
    assert single is not None and half is not None and half > single


@pytest.mark.parametrize(("side", "expected"), [(200, 200), (207, 200), (64, 64), (3, 64)])
def test_largest_tile_size_is_valid(side: int, expected: int) -> None:
    assert largest_tile_size(side, tiny_model().stride) == expected
