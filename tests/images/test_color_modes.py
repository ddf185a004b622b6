"""Colour modes keep or transfer luminance and colour statistics."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from stylekernel_hf.images.color_modes import keep_luminance, match_color_statistics


def picture(seed: int, size: tuple[int, int] = (24, 20)) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.rand(3, 3, generator=generator) * 0.2 + torch.eye(3) * 0.3
    noise = torch.rand(1, 3, *size, generator=generator)
    return 0.25 + 0.5 * torch.einsum("ij,bjhw->bihw", mixing, noise)


def statistics(image: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    pixels = image[0].flatten(1).double().numpy()
    return pixels.mean(axis=1), np.cov(pixels, bias=True)


def test_matched_picture_has_the_mean_and_covariance_of_the_reference() -> None:
    matched = match_color_statistics(picture(0), picture(1, (13, 17)))
    for actual, expected in zip(statistics(matched), statistics(picture(1, (13, 17))), strict=True):
        np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_matching_a_picture_with_itself_changes_nothing() -> None:
    torch.testing.assert_close(match_color_statistics(picture(0), picture(0)), picture(0))


def test_matching_moves_colors_the_least() -> None:
    # Independent answer: for statistics that commute, the optimal map is a scaling per axis.
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    decorrelated = image * torch.tensor([0.2, 0.4, 0.3])[:, None, None] + 0.2
    reference = image * torch.tensor([0.4, 0.1, 0.3])[:, None, None] + 0.3
    torch.testing.assert_close(
        match_color_statistics(decorrelated, reference), reference, rtol=0, atol=0.02
    )


def test_grey_picture_stays_grey_when_matched_with_grey() -> None:
    grey = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0)).expand(1, 3, 16, 16)
    matched = match_color_statistics(grey, 0.3 + 0.4 * grey.flip(3))
    torch.testing.assert_close(matched[:, 0], matched[:, 2], rtol=0, atol=1e-5)
    torch.testing.assert_close(matched.mean(), (0.3 + 0.4 * grey).mean(), rtol=0, atol=1e-4)


def test_flat_picture_takes_the_mean_alone() -> None:
    flat = torch.full((1, 3, 8, 8), 0.5)
    matched = match_color_statistics(flat, picture(3))
    expected = picture(3).mean(dim=(2, 3), keepdim=True).expand_as(matched)
    torch.testing.assert_close(matched, expected)


def test_luminance_comes_from_the_stylized_and_hue_from_the_content() -> None:
    stylized, content = picture(0), picture(5)
    kept = keep_luminance(stylized, content)
    to_image = [
        Image.fromarray((x[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8))
        for x in (kept, stylized, content)
    ]
    luma, cb, cr = np.asarray(to_image[0].convert("YCbCr"), np.float32).transpose(2, 0, 1)
    np.testing.assert_allclose(luma, np.asarray(to_image[1].convert("L")), atol=2.01)
    _, cb_content, cr_content = np.asarray(to_image[2].convert("YCbCr"), np.float32).transpose(
        2, 0, 1
    )
    # Pillow's own conversion agrees that the chroma is the content's, to its 8 bits.
    np.testing.assert_allclose(cb, cb_content, atol=1.6)
    np.testing.assert_allclose(cr, cr_content, atol=1.6)


def test_chroma_that_does_not_fit_shrinks_and_keeps_its_hue_and_luminance() -> None:
    content = torch.tensor([0.9, 0.1, 0.1]).view(1, 3, 1, 1)
    bright = torch.full((1, 3, 1, 1), 0.95)
    kept = keep_luminance(bright, content).flatten()
    assert kept.max() <= 1
    weights = torch.tensor([0.299, 0.587, 0.114])
    torch.testing.assert_close((kept * weights).sum(), torch.tensor(0.95))
    assert kept[0] > kept[1]
    torch.testing.assert_close(kept[1], kept[2])
