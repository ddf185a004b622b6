"""Small motions of single pictures, as of a camera between two frames: the flow is exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

# The largest shift in px, and as a share of the side of small crops: most of a crop stays in view.
_SHIFT, _SHIFT_SHARE = 16.0, 1 / 8
_ZOOM = 1.05
_ANGLE = 3.0
# Of RGB in [0, 1]: the noise of cameras and codecs (Deng et al., AAAI 2021), and changes of light.
_LEAST_NOISE, _NOISE = 0.01, 0.02
_BRIGHTNESS = 0.03


@dataclass(frozen=True)
class Motion:
    """What happens to a picture until the next frame.

    It is turned by `angle` degrees and enlarged by `zoom` about its middle, then shifted by `right`
    and `down` px. After that, `brightness` is added to RGB in [0, 1], and normal noise of the
    standard deviation `noise`.
    """

    right: float = 0.0
    down: float = 0.0
    zoom: float = 1.0
    angle: float = 0.0
    brightness: float = 0.0
    noise: float = 0.0


def draw_motion(random: np.random.Generator, side: int) -> Motion:
    """Draw a motion for crops of this side in px."""
    shift = min(_SHIFT, side * _SHIFT_SHARE)
    return Motion(
        right=random.uniform(-shift, shift),
        down=random.uniform(-shift, shift),
        zoom=float(np.exp(random.uniform(-np.log(_ZOOM), np.log(_ZOOM)))),
        angle=random.uniform(-_ANGLE, _ANGLE),
        brightness=random.uniform(-_BRIGHTNESS, _BRIGHTNESS),
        noise=random.uniform(_LEAST_NOISE, _NOISE),
    )


class MovedView:
    """Where the pixels of next frames come from: one motion for every picture of a batch.

    Pixels that come from outside of a picture are reflected at its border, and not `seen` in it.
    """

    def __init__(
        self, motions: Sequence[Motion], size: tuple[int, int], device: torch.device
    ) -> None:
        sources = np.stack([_sources(motion, size) for motion in motions])
        seen = ((sources >= 0) & (sources <= np.array(size[::-1]) - 1)).all(axis=3)
        self.motions = motions
        self.seen: Bool[Tensor, "b h w"] = torch.from_numpy(seen).to(device)
        # Half a picture is 1 in these places, from the middle of one border pixel to the other's.
        places = 2 * sources / (np.array(size[::-1]) - 1) - 1
        self._places: Float[Tensor, "b h w 2"] = torch.from_numpy(places).float().to(device)

    def warp(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Move the images, as sharp as they are.

        Bicubic resampling alone takes 37 % of the contrast of details of 2.7 px, and all of those
        of 2 px; between the pixels of a copy of twice the size, at most 3 % of any. So results are
        not compared with blurred ones, which would reward blur.
        """
        fine = _twice_as_fine(_twice_as_fine(images.float(), 2), 3)
        return functional.grid_sample(
            fine, self._places, mode="bicubic", padding_mode="reflection", align_corners=True
        )

    def next_frames(
        self, images: Float[Tensor, "b 3 h w"], randoms: Sequence[np.random.Generator]
    ) -> Float[Tensor, "b 3 h w"]:
        """Return the pictures, RGB in [0, 1], after their motions, with their brightness and noise.

        The noise of each picture is drawn from a generator of its own.
        """
        shape = images.shape[1:]
        changes = [
            motion.brightness + motion.noise * random.standard_normal(shape, dtype=np.float32)
            for motion, random in zip(self.motions, randoms, strict=True)
        ]
        change = torch.from_numpy(np.stack(changes)).to(images)
        return (self.warp(images) + change).clamp(0, 1)


def _sources(motion: Motion, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return for every pixel of the next frame, h x w, the place x, y in px it comes from."""
    rows, columns = np.indices(size, dtype=np.float64)
    middle = np.array([size[1] - 1, size[0] - 1]) / 2
    offsets = np.stack([columns, rows], axis=2) - middle - (motion.right, motion.down)
    cosine, sine = np.cos(np.radians(motion.angle)), np.sin(np.radians(motion.angle))
    backwards = np.array([[cosine, sine], [-sine, cosine]]) / motion.zoom
    return offsets @ backwards.T + middle


def _twice_as_fine(images: Float[Tensor, "b c h w"], axis: int) -> Tensor:
    """Add a value half-way between every two along an axis: n become 2 n - 1.

    The images are continued by their mirror image and interpolated by their Fourier series: no
    frequency loses contrast.
    """
    count = images.shape[axis]
    mirrored = images.narrow(axis, 1, count - 2).flip(axis)
    period = 2 * count - 2
    waves = torch.fft.rfft(torch.cat([images, mirrored], dim=axis), dim=axis)
    # The highest frequency is between its two halves in the longer series.
    below, highest = waves.split([count - 1, 1], dim=axis)
    fine = torch.fft.irfft(torch.cat([below, highest / 2], dim=axis), n=2 * period, dim=axis)
    return 2 * fine.narrow(axis, 0, 2 * count - 1)
