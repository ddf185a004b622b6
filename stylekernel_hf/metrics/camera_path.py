"""A camera that moves over a photo: frames whose motion is known exactly."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from jaxtyping import Float
from PIL import Image

from stylekernel_hf.metrics.optical_flow import opencv, seen_inside
from stylekernel_hf.metrics.temporal import Motion

FRAME_COUNT = 16
FRAMES_A_SECOND = 25
# A frame shows this share of the photo's width and height, in at most so many px; the rest is left
# for the motion.
_SHARE, _LONGEST_SIDE = 0.75, 512
_SMALLEST_SIDE = 64
# A frame: the shift as a share of its shorter side, the zoom, and the turn in degrees of a square,
# which makes the same shift at the border of a longer picture.
_LEAST_SHIFT, _SHIFT, _ZOOM, _TURN = 0.003, 0.005, 0.003, 0.18
# Samples down and across that are averaged to a pixel, so that fine details do not flicker.
_SAMPLES = 4


class CameraPath:
    """Sixteen frames of a camera that pans, zooms and turns over a photo.

    `number` chooses the directions. Frames show three quarters of the photo's width and height, in
    the photo's resolution or, of photos of more than 683 px, in 512 px on the longer side. Raises
    ValueError, with `name`, for photos whose frames would be smaller than 64 px, and ImportError
    without OpenCV.
    """

    def __init__(self, photo: Image.Image, number: int, *, name: str = "photo") -> None:
        shrink = min(1, _LONGEST_SIDE / (_SHARE * max(photo.size)))
        width, height = (round(_SHARE * shrink * side) for side in photo.size)
        if min(width, height) < _SMALLEST_SIDE:
            raise ValueError(
                f"{name} must be at least {round(_SMALLEST_SIDE / _SHARE)} px on its shorter side "
                f"and at most 8 times as long, got {photo.width}x{photo.height}"
            )
        sides = round(photo.width * shrink), round(photo.height * shrink)
        self._photo = np.asarray(photo.convert("RGB").resize(sides, Image.Resampling.LANCZOS))
        self.size = height, width
        self.times = [Fraction(place, FRAMES_A_SECOND) for place in range(FRAME_COUNT)]
        self._cameras = self._path(np.random.default_rng(number))

    def loaders(self) -> list[Callable[[], Image.Image]]:
        """Return what gives each frame."""
        return [lambda place=place: self._frame(place) for place in range(FRAME_COUNT)]

    def motion(self, earlier: int, later: int, *_: Image.Image) -> Motion:
        """Return where every pixel of a frame is in a later one, and whether it is seen there."""
        height, width = self.size
        frame, turned = self._cameras[earlier], np.linalg.inv(self._cameras[later][:, :2])
        here = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=2)
        photo = here @ frame[:, :2].T + frame[:, 2]
        there = (photo - self._cameras[later][:, 2]) @ turned.T
        flow = (there - here).astype(np.float32)
        return flow, seen_inside(flow)

    def _path(self, random: np.random.Generator) -> list[Float[np.ndarray, "2 3"]]:
        """Return for every frame what takes its pixels x, y to those of the photo."""
        frame = np.array(self.size[::-1])
        middle, photo_middle = (frame - 1) / 2, (np.array(self._photo.shape[1::-1]) - 1) / 2
        heading = random.uniform(0, 2 * np.pi)
        speed = random.uniform(_LEAST_SHIFT, _SHIFT) * frame.min()
        zoom, turn = random.choice([-1, 1], 2) * (_ZOOM, _TURN * frame.min() / frame.max())
        cameras: list[Float[np.ndarray, "2 3"]] = []
        for place in range(FRAME_COUNT):
            angle = np.radians(turn * place)
            cosine, sine = np.cos(angle), np.sin(angle)
            turned = np.exp(zoom * place) * np.array([[cosine, -sine], [sine, cosine]])
            way = speed * (place - FRAME_COUNT / 2)
            target = photo_middle + way * np.array([np.cos(heading), np.sin(heading)])
            cameras.append(np.column_stack([turned, target - turned @ middle]))
        return cameras

    def _frame(self, place: int) -> Image.Image:
        cv2, camera = opencv(), self._cameras[place]
        height, width = self.size
        # Sample s of a pixel p lies at p + (s + 1/2) / _SAMPLES - 1/2.
        fine = np.column_stack(
            [camera[:, :2] / _SAMPLES, camera[:, 2] + camera[:, :2].sum(1) * (0.5 / _SAMPLES - 0.5)]
        )
        size = (width * _SAMPLES, height * _SAMPLES)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        border = cv2.BORDER_REFLECT_101
        samples = cv2.warpAffine(self._photo, fine, size, flags=flags, borderMode=border)
        return Image.fromarray(cv2.resize(samples, (width, height), interpolation=cv2.INTER_AREA))
