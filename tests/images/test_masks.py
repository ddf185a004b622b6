"""Masks are scaled to the photo, and overlapping ones share a pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from stylekernel_hf.images.masks import read_mask, share_out


def test_white_is_one_and_black_is_zero() -> None:
    mask = Image.new("L", (8, 4), 255)
    mask.paste(0, (0, 0, 4, 4))
    values = read_mask(mask, (4, 8), name="masks[0]")
    assert values.shape == (1, 1, 4, 8)
    assert (values[..., :4] == 0).all()
    assert (values[..., 4:] == 1).all()


def test_mask_of_any_size_is_scaled_to_the_picture_with_soft_edges() -> None:
    mask = np.zeros((5, 10, 1), np.float32)
    mask[:, 5:] = 1
    values = read_mask(mask, (40, 80), name="mask")
    assert values.shape == (1, 1, 40, 80)
    row = values[0, 0, 20]
    assert row[0] == 0
    assert row[-1] == 1
    assert (row.diff() >= 0).all()
    assert ((row > 0.1) & (row < 0.9)).any()


def test_transparent_parts_of_a_mask_are_black() -> None:
    layer = Image.new("RGBA", (6, 6), (255, 255, 255, 0))
    layer.paste((255, 255, 255, 255), (0, 0, 3, 6))
    values = read_mask(layer, (6, 6), name="mask")
    assert (values[..., :3] == 1).all()
    assert (values[..., 3:] == 0).all()


def test_bad_mask_is_named() -> None:
    with pytest.raises(ValueError, match=r"masks\[1\].*NaN"):
        read_mask(torch.full((1, 4, 4), float("nan")), (4, 4), name="masks[1]")


def test_shares_sum_to_one_and_follow_the_masks() -> None:
    first, second = torch.rand(2, 1, 1, 8, 8, generator=torch.Generator().manual_seed(0)).unbind()
    shares, masked = share_out([first, second])
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(1, 8, 8))
    torch.testing.assert_close(shares[:, :1] * second, shares[:, 1:] * first)
    torch.testing.assert_close(masked, (first + second).clamp(max=1))


def test_unmasked_pixels_have_a_masked_part_of_zero() -> None:
    masks = [torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)]
    masks[1][..., 0] = 1
    shares, masked = share_out(masks)
    assert torch.equal(masked, masks[1])
    assert torch.equal(shares[:, 1, :, 0], torch.ones(1, 2))
    assert torch.equal(shares[..., 1], torch.full((1, 2, 2), 0.5))
