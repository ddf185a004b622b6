"""Pictures on NumPy arrays are those of the torch functions that they stand for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from stylekernel_hf.images import color_modes, unseen_colors
from stylekernel_hf.images.bounds import Bounds
from stylekernel_hf.images.geometry import resize_rgb
from stylekernel_hf.images.tensors import to_rgb_tensor
from stylekernel_hf.runtime import colors
from stylekernel_hf.runtime.pictures import read_picture, resize
from stylekernel_hf.runtime.shares import Shares
from stylekernel_hf.runtime.unseen_colors import fill_unseen
from stylekernel_hf.tiling import coarse_to_fine
from tests.tiny import save_picture

ANY = Bounds()


def pixels(rgb: Tensor) -> np.ndarray:
    return rgb[0].permute(1, 2, 0).numpy()


def random_picture(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [(20, 31), (37, 53), (90, 160), (53, 30)])
def test_resizing_is_torchs(size: tuple[int, int]):
    rgb = random_picture(53, 71)
    actual = resize(pixels(rgb), size)
    np.testing.assert_allclose(actual, pixels(coarse_to_fine.resize(rgb, size)), atol=1e-5)
    actual = resize(pixels(rgb), size, bicubic=True).clip(0, 1)
    np.testing.assert_allclose(actual, pixels(resize_rgb(rgb, size)), atol=1e-5)


@pytest.mark.parametrize("color", ["luminance", "statistics"])
def test_recolouring_is_torchs(color: color_modes.ColorMode):
    stylized, content = random_picture(30, 40), 0.5 * random_picture(30, 40, seed=1) ** 2
    actual = colors.recolor(pixels(stylized), pixels(content), color)
    expected = pixels(color_modes.recolor(stylized, content, color))
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_transfer_of_colours_is_torchs():
    content, styles = random_picture(30, 40), [0.3 * random_picture(9, 9, seed=x) for x in (1, 2)]
    shares = torch.tensor([0.3, 0.7]).view(1, 2, 1, 1)
    given = Shares(np.array([0.3, 0.7], np.float32), np.array(0.6, np.float32))
    actual = colors.transfer_color(pixels(content), [*map(pixels, styles)], given)
    expected = pixels(color_modes.transfer_color(content, styles, shares, 0.6))
    np.testing.assert_allclose(actual, expected, atol=1e-5)


@pytest.mark.parametrize("seen", [0.0, 0.01, 0.5])
def test_transparent_pixels_are_filled_as_torch_fills_them(seen: float):
    rgb = random_picture(70, 91)
    alpha = (torch.rand(1, 1, 70, 91, generator=torch.Generator().manual_seed(1)) < seen).float()
    alpha[..., 60:, 40:] = 0
    actual = fill_unseen(pixels(rgb), pixels(alpha))
    expected = pixels(unseen_colors.fill_unseen(rgb, alpha))
    np.testing.assert_allclose(actual, expected, atol=1e-5)


@pytest.mark.parametrize(
    "image",
    [
        np.arange(48, dtype=np.uint8).reshape(6, 8),
        np.arange(144, dtype=np.uint16).reshape(6, 8, 3) * 400,
        np.arange(192).reshape(1, 6, 8, 4) / 191,
        np.arange(48).reshape(6, 8, 1) % 2 == 0,
        np.full((6, 8, 3), 1.0005, np.float16),
    ],
    ids=["uint8", "uint16", "floats with alpha", "bool", "float16"],
)
def test_arrays_are_read_as_torch_reads_them(image: np.ndarray):
    rgb, alpha, has_bytes = read_picture(image, "content", ANY)
    expected, expected_alpha = to_rgb_tensor(image, name="content")
    expected = unseen_colors.fill_unseen(expected, expected_alpha)
    np.testing.assert_allclose(rgb, pixels(expected), atol=1e-6)
    assert has_bytes == (image.dtype == np.uint8)
    assert (alpha is None) == (expected_alpha is None)


def test_files_are_read_as_torch_reads_them(tmp_path: Path):
    path = save_picture(tmp_path / "photo.png")
    rgb, alpha, has_bytes = read_picture(path, "content", ANY)
    np.testing.assert_array_equal(rgb, pixels(to_rgb_tensor(path, name="content")[0]))
    assert alpha is None and has_bytes


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((6, 8, 2)),
        np.zeros((6, 8, 3), np.int32),
        np.full((6, 8, 3), 2.0),
        np.full((6, 8, 3), np.nan),
        np.full((6, 8), np.inf),
        np.zeros((0, 8)),
    ],
    ids=["two channels", "int32", "too large", "NaN", "infinity", "empty"],
)
def test_arrays_that_torch_refuses_are_refused(image: np.ndarray):
    with pytest.raises((TypeError, ValueError)) as expected:
        to_rgb_tensor(image, name="content")
    with pytest.raises(type(expected.value)) as actual:
        read_picture(image, "content", ANY)
    assert str(actual.value).split(", got")[0] == str(expected.value).split(", got")[0]
