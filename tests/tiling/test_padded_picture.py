"""Windows of the padded picture are what padding the whole picture gives."""

from __future__ import annotations

import pytest
import torch

from stylekernel_hf.images.geometry import pad_to_multiple
from stylekernel_hf.tiling.padded_picture import PaddedPicture
from stylekernel_hf.tiling.tile_grid import Span

CPU = torch.device("cpu")


@pytest.mark.parametrize("size", [(50, 37), (5, 90), (1, 1)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_window_is_cut_from_the_padded_picture(size: tuple[int, int], dtype: torch.dtype) -> None:
    rgb = torch.randint(0, 256, (1, 3, *size), dtype=torch.uint8)
    floats = rgb.float() / 255
    picture = PaddedPicture(rgb if dtype == torch.uint8 else floats, 8, 20)
    padded, padding = pad_to_multiple(floats, 8, 20)
    assert (picture.height, picture.width) == padded.shape[2:]
    assert picture.padding == padding
    window = picture.window(Span(3, 40), Span(0, picture.width), CPU, torch.float32)
    assert torch.equal(window, padded[:, :, 3:40])
    assert window.is_contiguous(memory_format=torch.channels_last)


def test_window_has_the_dtype_that_is_asked_for() -> None:
    picture = PaddedPicture(torch.full((1, 3, 16, 16), 51, dtype=torch.uint8), 8, 8)
    window = picture.window(Span(0, 8), Span(0, 8), CPU, torch.bfloat16)
    assert torch.equal(window, torch.full((1, 3, 8, 8), 0.2, dtype=torch.bfloat16))


@pytest.mark.parametrize("size", [(16, 50_000), (50_000, 16)])
def test_window_of_a_long_picture_copies_little_of_it(size: tuple[int, int]) -> None:
    picture = PaddedPicture(torch.zeros(1, 3, *size), 8, 0)
    with torch.profiler.profile(profile_memory=True) as profile:
        picture.window(Span(0, 16), Span(0, 16), CPU, torch.float32)
    allocated = sum(max(0, event.self_cpu_memory_usage) for event in profile.events())
    assert 0 < allocated < 0.1 * torch.zeros(1, 3, *size).nbytes
