"""Size limits of images, checked before an image is decoded."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stylekernel_hf.images.pillow_errors import UnreadableImageError

MAX_PIXELS = 200_000_000
"""Default limit of an image: a phone's 200-megapixel photo, 600 MB as RGB."""

MAX_UNREDUCED_PIXELS = 2**25
"""Where a given short side is enough, images with more pixels are reduced while they are read."""

MAX_DECODED_PIXELS = 2**26
"""Limit of pixels decoded for an image that is reduced. A baseline JPEG may have `MAX_PIXELS`,
since its decoder reduces it."""


@dataclass(frozen=True)
class Bounds:
    """Limits of an image's size, and the short side in px that the caller needs of it.

    With `needed_side`, an image of more than `MAX_UNREDUCED_PIXELS` is reduced by a whole factor
    that leaves its short side at least `needed_side`.
    """

    max_pixels: int = MAX_PIXELS
    min_side: int = 1
    needed_side: int | None = None

    def factor(self, size: tuple[int, int]) -> int:
        """Return the factor to reduce by; if possible it leaves at least twice `needed_side`."""
        pixels, short = math.prod(size), min(size)
        if self.needed_side is None or pixels <= MAX_UNREDUCED_PIXELS:
            return 1
        wanted = math.ceil(math.sqrt(pixels / MAX_UNREDUCED_PIXELS))
        return max(1, short // (2 * self.needed_side), min(wanted, short // self.needed_side))

    def check(self, size: tuple[int, int], name: str, label: str) -> None:
        """Raise ValueError for a (width, height) outside the bounds; `label` names the image."""
        width, height = size
        if min(size) < 1:
            raise UnreadableImageError(f"{name} must not be empty, got {width}x{height} px")
        if min(size) < self.min_side:
            raise UnreadableImageError(
                f"{name} must be at least {self.min_side} px a side, got {width}x{height} ({label})"
            )
        if width * height > self.max_pixels:
            raise UnreadableImageError(
                f"{name} must have at most {self.max_pixels} pixels, got {width}x{height} ({label})"
            )
