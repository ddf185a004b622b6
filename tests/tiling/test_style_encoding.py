"""A style in tiles is the style in one piece."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import pytest
import torch
from torch import Tensor

from stylekernel_hf.images.geometry import pad_to_multiple
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.pretrained.presets import PRESETS
from stylekernel_hf.tiling.style_encoding import encode_style_image
from stylekernel_hf.tiling.tile_size import WORKING_MEMORY
from tests.tiny import tiny_model


@pytest.mark.parametrize("size", [(150, 221), (65, 200), (136, 16)])
def test_tiled_equals_whole(model: StyleKernelModel, photo: Tensor, size: tuple[int, int]) -> None:
    rgb = photo[:, :, : size[0], : size[1]].float() / 255
    padded, _ = pad_to_multiple(rgb, model.style_stride)
    whole = model.encode_style(padded)
    other, _ = pad_to_multiple(rgb.flip(3) * 0.5, model.style_stride)
    for name in ("key", "value", "code"):
        expected: Tensor = getattr(whole, name)
        # Two styles that were alike anyway would prove nothing; a lone token's key is the same.
        apart = (getattr(model.encode_style(other), name) - expected).abs().max()
        for tile_size in (64, None):
            tiled = getattr(encode_style_image(model, rgb, tile_size=tile_size), name)
            assert tiled.shape == expected.shape
            assert (tiled - expected).abs().max() <= 1e-3 * apart + 4e-6
    assert apart > 0.01


@pytest.mark.parametrize("preset", ["small", "base"])
def test_network_sees_no_more_of_a_large_style_at_once_than_memory_allows(preset: str) -> None:
    model = StyleKernelModel(PRESETS[preset])
    shapes_only = deepcopy(model.style_encoder).to("meta")
    seen: list[int] = []

    def look(encoder: object, inputs: tuple[Tensor, ...]) -> None:
        (window,) = inputs
        seen.append(sum(feature.nbytes for feature in shapes_only(window.to("meta"))))
        raise StopIteration

    model.style_encoder.register_forward_pre_hook(look)
    for size in ((512, 512), (4096, 4096), (64, 65536)):
        with pytest.raises(StopIteration):
            encode_style_image(model, torch.zeros(1, 3, *size))
    assert max(seen) < WORKING_MEMORY
    # As large as it may be, or nearly so.
    assert max(seen) > WORKING_MEMORY / 8


@contextmanager
def memory_for(model: StyleKernelModel, limit: int) -> Iterator[list[int]]:
    """Let the device run out of memory at windows of more than `limit` px a side; note all."""
    sides: list[int] = []

    def measure(_: object, inputs: tuple[Tensor, ...]) -> None:
        sides.append(max(inputs[0].shape[2:]))
        if sides[-1] > limit:
            raise torch.OutOfMemoryError("no memory")

    hook = model.style_encoder.register_forward_pre_hook(measure)
    with hook:
        yield sides


def test_out_of_memory_falls_back_to_smaller_tiles_once(
    photo: Tensor, caplog: pytest.LogCaptureFixture
) -> None:
    model = tiny_model()
    rgb = photo[:, :, :16, :221].float() / 255
    whole = encode_style_image(model, rgb)
    with memory_for(model, 223) as sides, caplog.at_level(logging.WARNING, "stylekernel_hf"):
        tiled = encode_style_image(model, rgb)
    assert sides[0] > 223 >= max(sides[1:])
    assert "out of memory on cpu: trying tiles of 104 px" in caplog.text
    assert (tiled.code - whole.code).abs().max() < 1e-4


def test_out_of_memory_in_smaller_tiles_too_is_said_clearly(
    model: StyleKernelModel, photo: Tensor
) -> None:
    rgb = photo[:, :, :120, :200].float() / 255
    expected = "style of 200x120 px needs more memory than cpu has, even in tiles of .* style_size"
    with memory_for(model, 1) as sides, pytest.raises(MemoryError, match=expected):
        encode_style_image(model, rgb)
    assert len(sides) == 2
