"""Style images scaled before they are encoded."""

from __future__ import annotations

import pytest
import torch

from stylekernel_hf.styles.picture_size import MAX_SCALED_PIXELS
from stylekernel_hf.styles.style_input import scale_style_picture


def test_short_side_gets_the_size_asked_for() -> None:
    assert scale_style_picture(torch.zeros(1, 3, 100, 300), 200).shape[2:] == (200, 600)
    assert scale_style_picture(torch.zeros(1, 3, 90, 30), 64).shape[2:] == (192, 64)
    assert scale_style_picture(torch.zeros(1, 3, 90, 30), None).shape[2:] == (90, 30)


@pytest.mark.parametrize("size", [(16, 40_000), (40_000, 16), (20, 20)])
def test_scaled_painting_is_bounded(size: tuple[int, int]) -> None:
    height, width = scale_style_picture(torch.zeros(1, 3, *size), 4096).shape[2:]
    assert min(size) <= min(height, width) <= 4096
    assert MAX_SCALED_PIXELS * 0.49 < height * width <= MAX_SCALED_PIXELS
    assert height / width == pytest.approx(size[0] / size[1], rel=0.05)
