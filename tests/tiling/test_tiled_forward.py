"""Tiles give the picture that one piece gives."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from stylekernel_hf.model.statistics import channel_statistics
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.styles.embedding import StyleEmbedding
from stylekernel_hf.tiling import tiled_forward
from stylekernel_hf.tiling.measuring import measure, measuring_tiles
from stylekernel_hf.tiling.padded_picture import PaddedPicture
from stylekernel_hf.tiling.tile_grid import Span
from stylekernel_hf.tiling.tiled_forward import TiledForward

WHOLE = 1024


@pytest.fixture(scope="module")
def style(model: StyleKernelModel) -> StyleEmbedding:
    return model.encode_style(torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2)))


def stylize(
    model: StyleKernelModel,
    rgb: Tensor,
    style: StyleEmbedding,
    tile_size: int,
    strength: float = 1.0,
) -> Tensor:
    forward = TiledForward(model, rgb, strength, tile_size)
    steps: list[None] = []
    result = forward.run(style, as_bytes=False, on_step=lambda: steps.append(None))
    assert len(steps) == forward.steps
    assert (forward.steps == 1) == (tile_size >= max(rgb.shape[2:]))
    return result


@pytest.mark.parametrize(
    ("size", "strength"), [((150, 221), 0.4), ((65, 200), 1.0), ((136, 16), 1.0)]
)
def test_tiled_equals_whole(
    model: StyleKernelModel,
    style: StyleEmbedding,
    photo: Tensor,
    strength: float,
    size: tuple[int, int],
) -> None:
    rgb = photo[:, :, : size[0], : size[1]]
    whole = stylize(model, rgb, style, WHOLE, strength)
    # Values that are all alike would prove nothing.
    assert whole.std(dim=(2, 3)).min() > 0.005
    tiled = stylize(model, rgb, style, 64, strength)
    assert (tiled - whole).abs().max() < 0.1 / 255


def test_halo_is_no_wider_than_needed(
    model: StyleKernelModel,
    style: StyleEmbedding,
    photo: Tensor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = stylize(model, photo, style, WHOLE)
    reach = tiled_forward.full_reach(model.config)
    narrower = reach - 2 * model.stride
    monkeypatch.setattr(tiled_forward, "full_reach", lambda _: narrower)
    assert (stylize(model, photo, style, 64) - whole).abs().max() > 1e-6


def test_measured_style_and_statistics_are_those_of_the_whole_padded_picture(
    model: StyleKernelModel, photo: Tensor
) -> None:
    picture = PaddedPicture(photo, model.stride, 64)
    tiles = measuring_tiles(model, picture, 64, own_style=True)
    assert len(tiles) > 9
    statistics, own = measure(model, picture, tiles, own_style=True, on_tile=lambda: None)
    padded = picture.window(
        Span(0, picture.height), Span(0, picture.width), model.device, model.dtype
    )
    for measured, level in zip(statistics, model.encode_content(padded), strict=True):
        for part, expected in zip(measured, channel_statistics(level), strict=True):
            torch.testing.assert_close(part, expected, rtol=1e-4, atol=1e-5)
    expected_own = model.encode_style(padded)
    assert own is not None
    for name in ("key", "value", "code"):
        torch.testing.assert_close(
            getattr(own, name), getattr(expected_own, name), rtol=1e-4, atol=1e-4
        )


def test_bytes_are_the_floats_rounded(
    model: StyleKernelModel, style: StyleEmbedding, photo: Tensor
) -> None:
    for tile_size in (64, WHOLE):
        result = TiledForward(model, photo, 1.0, tile_size).run(
            style, as_bytes=True, on_step=lambda: None
        )
        floats = stylize(model, photo, style, tile_size)
        assert result.dtype == torch.uint8
        assert torch.equal(result, (floats * 255).round().to(torch.uint8))


def test_smaller_tiles_are_half_as_large(model: StyleKernelModel, photo: Tensor) -> None:
    half = TiledForward(model, photo, 1.0, WHOLE).in_smaller_tiles().tile_size
    assert half == 221 // 2 // model.stride * model.stride
    assert TiledForward(model, photo, 1.0, 128).in_smaller_tiles().tile_size == 64
    assert TiledForward(model, photo, 1.0, 64).in_smaller_tiles().tile_size == 64
