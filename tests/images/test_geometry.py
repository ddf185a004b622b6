"""Resizing, reflection padding and cropping agree with NumPy and Pillow."""

import numpy as np
import pytest
import torch
from PIL import Image

from stylekernel_hf.images.geometry import (
    Padding,
    ReflectedLine,
    check_size,
    crop_back,
    fit_short_side,
    pad_to_multiple,
    resize_rgb,
)

CPU = torch.device("cpu")


@pytest.mark.parametrize("length", [1, 2, 3, 9])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (3, 0), (0, 4), (2, 5), (20, 30)])
def test_every_run_is_cut_from_numpys_reflection(length: int, before: int, after: int) -> None:
    x = torch.randint(0, 256, (2, length, 3), dtype=torch.uint8)
    padded = np.pad(x.numpy(), [(0, 0), (before, after), (0, 0)], mode="reflect")
    line = ReflectedLine(length, before, after, CPU)
    assert len(line) == padded.shape[1]
    for start in range(len(line)):
        for stop in range(start, len(line) + 1):
            taken = line.take(x, 1, start, stop).numpy()
            np.testing.assert_array_equal(taken, padded[:, start:stop])


def test_pixels_inside_are_not_copied() -> None:
    x = torch.rand(4, 10)
    inside = ReflectedLine(10, 3, 3, CPU).take(x, 1, 5, 12)
    assert inside.data_ptr() == x[:, 2:].data_ptr()


def test_size_within_the_limits_passes():
    check_size(torch.zeros(1, 3, 16, 20), name="style", min_side=16, max_pixels=320)


def test_size_outside_the_limits_is_an_error():
    with pytest.raises(ValueError, match=r"^style must be at least 16 px a side, got 3x200 "):
        check_size(torch.zeros(1, 3, 200, 3), name="style", min_side=16, max_pixels=10**6)
    with pytest.raises(ValueError, match=r"^content must have at most 599 pixels, got 30x20 "):
        check_size(torch.zeros(1, 3, 20, 30), name="content", min_side=16, max_pixels=599)


@pytest.mark.parametrize("height", [1, 2, 3, 8, 13])
@pytest.mark.parametrize("width", [1, 2, 7, 16])
@pytest.mark.parametrize(("multiple", "margin"), [(1, 0), (8, 0), (8, 3), (5, 40), (64, 0)])
def test_padding_reflects_as_numpy_does_and_crops_back(
    height: int, width: int, multiple: int, margin: int
):
    x = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0))

    padded, padding = pad_to_multiple(x, multiple, margin)

    assert all(side % multiple == 0 for side in padded.shape[-2:])
    assert padding.left == padding.top == margin
    assert 0 <= padding.right - margin < multiple and 0 <= padding.bottom - margin < multiple
    widths = [(0, 0), (0, 0), (padding.top, padding.bottom), (padding.left, padding.right)]
    np.testing.assert_array_equal(padded.numpy(), np.pad(x.numpy(), widths, mode="reflect"))
    assert torch.equal(crop_back(padded, padding), x)


def test_padding_that_is_not_needed_is_zero():
    x = torch.rand(1, 3, 16, 24)
    padded, padding = pad_to_multiple(x, 8)
    assert padding == Padding(left=0, top=0, right=0, bottom=0)
    assert torch.equal(padded, x)


@pytest.mark.parametrize(("multiple", "margin"), [(0, 0), (8, -1)])
def test_wrong_padding_is_an_error(multiple: int, margin: int):
    with pytest.raises(ValueError, match="^multiple must be at least 1 and margin at least 0"):
        pad_to_multiple(torch.zeros(1, 3, 8, 8), multiple, margin)


@pytest.mark.parametrize("size", [(12, 9), (40, 70), (30, 45)])
def test_resize_agrees_with_pillows_bicubic(size: tuple[int, int]):
    # Smooth, so that 8-bit clipping and rounding on Pillow's side do not matter.
    y, x = np.mgrid[0:30, 0:50]
    smooth = np.stack([y / 29, x / 49, 0.5 + 0.4 * np.sin(x / 6) * np.cos(y / 5)], axis=-1)
    channels = [Image.fromarray(smooth[..., index].astype(np.float32)) for index in range(3)]
    resized = [each.resize(size[::-1], Image.Resampling.BICUBIC) for each in channels]
    expected = np.stack([np.asarray(each) for each in resized], axis=-1).clip(0, 1)

    result = resize_rgb(torch.from_numpy(smooth).float().permute(2, 0, 1)[None], size)

    assert result.shape == (1, 3, *size)
    np.testing.assert_allclose(result[0].permute(1, 2, 0).numpy(), expected, atol=2e-3)


def test_resize_averages_fine_detail_away_and_stays_in_range():
    checkerboard = (torch.arange(64)[:, None] + torch.arange(64)) % 2
    x = checkerboard.float().expand(1, 3, 64, 64)
    small = resize_rgb(x, (8, 8))
    assert (small[..., 1:-1, 1:-1] - 0.5).abs().max() < 0.01
    step = (torch.arange(16) >= 8).float().expand(1, 3, 16, 16)
    large = resize_rgb(step, (64, 64))
    assert (large.min(), large.max()) == (0, 1)


def test_resize_to_the_same_size_costs_nothing():
    x = torch.rand(1, 3, 5, 6)
    assert resize_rgb(x, (5, 6)) is x


@pytest.mark.parametrize(
    ("size", "short_side", "expected"),
    [
        ((100, 200), 50, (50, 100)),
        ((200, 100), 50, (100, 50)),
        ((30, 40), 60, (60, 80)),
        ((7, 10), 5, (5, 7)),
        ((7, 11), 5, (5, 8)),
        ((49, 500), 1, (1, 10)),
        ((9, 9), 4, (4, 4)),
        ((1, 300), 1, (1, 300)),
    ],
)
def test_short_side_is_fitted_and_the_aspect_ratio_kept(
    size: tuple[int, int], short_side: int, expected: tuple[int, int]
):
    assert fit_short_side(torch.rand(1, 3, *size), short_side).shape == (1, 3, *expected)


def test_short_side_below_one_pixel_is_an_error():
    with pytest.raises(ValueError, match="^short_side must be at least 1, got 0$"):
        fit_short_side(torch.rand(1, 3, 4, 4), 0)
