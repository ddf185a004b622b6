"""Motions of single pictures, against pictures that are known between their pixels, too."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylekernel_hf.training.synthetic_motion import Motion, MovedView, draw_motion

SIZE = (40, 56)
CPU = torch.device("cpu")


def view_of(*motions: Motion, size: tuple[int, int] = SIZE) -> MovedView:
    return MovedView(motions, size, CPU)


def pictures(count: int = 1, *, size: tuple[int, int] = SIZE) -> Tensor:
    return torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(0))


def sources(motion: Motion) -> NDArray[np.complex128]:
    """Where the pixels of the next frame come from: x + iy, less the middle of the picture."""
    height, width = SIZE
    y, x = np.mgrid[:height, :width]
    places = (x - (width - 1) / 2) + 1j * (y - (height - 1) / 2)
    shifted = places - (motion.right + 1j * motion.down)
    return shifted / (motion.zoom * np.exp(1j * np.radians(motion.angle)))


def waves(places: NDArray[np.complex128], down: int, across: int) -> NDArray[np.float64]:
    """A picture that is known everywhere, and whose mirror images continue it."""
    height, width = SIZE
    x, y = places.real + (width - 1) / 2, places.imag + (height - 1) / 2
    return np.cos(np.pi * down * y / (height - 1)) * np.cos(np.pi * across * x / (width - 1))


@pytest.mark.parametrize(("right", "down"), [(0, 0), (5, -3), (-7, 0)])
def test_shift_by_whole_pixels_copies_them(right: int, down: int) -> None:
    image, view = pictures(), view_of(Motion(right=right, down=down))
    actual = view.warp(image)
    expected = image.roll((down, right), dims=(2, 3))
    seen = view.seen[0]
    assert seen.sum() == (SIZE[0] - abs(down)) * (SIZE[1] - abs(right))
    torch.testing.assert_close(actual[:, :, seen], expected[:, :, seen], atol=2e-5, rtol=0)


@pytest.mark.parametrize(
    "motion",
    [
        Motion(right=0.5, down=0.5),
        Motion(right=-3.3, down=6.7),
        Motion(zoom=1.05),
        Motion(angle=3),
        Motion(right=4.1, down=-2.6, zoom=0.95, angle=-2.5),
    ],
)
# Waves of 3 px and of 14, of 2.7 px and of 5 px, and ones that only go across.
@pytest.mark.parametrize(("down", "across"), [(6, 36), (30, 22), (0, 40)])
def test_fine_detail_moves_as_far_as_told_and_stays_sharp(
    motion: Motion, down: int, across: int
) -> None:
    image = torch.from_numpy(waves(sources(Motion()), down, across)).float()[None, None]
    view = view_of(motion)
    expected = torch.from_numpy(waves(sources(motion), down, across)).float()[None, None]
    error = (view.warp(image) - expected).abs().max()
    assert error < 0.06
    assert view.seen.float().mean() > 0.7


def test_next_frames_have_the_noise_and_the_light_of_their_motions() -> None:
    images = 0.4 + 0.2 * pictures(2, size=(64, 64))
    motions = [Motion(right=1.5, brightness=0.03, noise=0.02), Motion(noise=0.01)]
    view = view_of(*motions, size=(64, 64))
    change = view.next_frames(images, [np.random.default_rng(seed) for seed in (1, 2)])
    change = change - view.warp(images)
    assert change.mean(dim=(1, 2, 3)).tolist() == pytest.approx([0.03, 0], abs=1e-3)
    assert change.std(dim=(1, 2, 3)).tolist() == pytest.approx([0.02, 0.01], rel=0.05)
    # What a picture becomes does not depend on the others of its batch.
    alone = view_of(motions[1], size=(64, 64))
    actual = alone.next_frames(images[1:], [np.random.default_rng(2)])
    expected = view.next_frames(images, [np.random.default_rng(seed) for seed in (1, 2)])[1:]
    torch.testing.assert_close(actual, expected)
    assert view.next_frames(torch.ones_like(images), [np.random.default_rng(1)] * 2).max() == 1


@pytest.mark.parametrize("side", [32, 224])
def test_most_of_a_crop_stays_in_view(side: int) -> None:
    random = np.random.default_rng(0)
    motions = [draw_motion(random, side) for _ in range(40)]
    assert view_of(*motions, size=(side, side)).seen.float().mean(dim=(1, 2)).min() > 0.6
    bounds = {"right": (-16, 16), "zoom": (0.95, 1.05), "angle": (-3, 3), "noise": (0.01, 0.02)}
    for name, (least, most) in bounds.items():
        drawn = [getattr(motion, name) for motion in motions]
        assert least <= min(drawn) < max(drawn) <= most
    assert draw_motion(np.random.default_rng(0), side) == motions[0]
