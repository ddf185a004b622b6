"""Style images told from files of encoded styles, their limits, and their size when encoded."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TypeGuard

from stylekernel_hf.images.bounds import MAX_DECODED_PIXELS, Bounds

MIN_SIDE = 16
MAX_SCALED_PIXELS = 2**25
"""Bound on a scaled style image: 4096 x 8192 px."""
PALETTE_SIZE = 1024
"""Short side in px that is enough where only the colours of a style image count."""


def is_style_file(style: object) -> TypeGuard[str | os.PathLike[str]]:
    """Return whether a style is the path of a file of encoded styles rather than of a picture."""
    return isinstance(style, str | os.PathLike) and Path(style).suffix == ".safetensors"  # pyright: ignore[reportUnknownArgumentType]


def style_bounds(style_size: int | None) -> Bounds:
    """Return the bounds on a style image file that is scaled to this short side."""
    if style_size is None:
        return Bounds(MAX_SCALED_PIXELS, MIN_SIDE)
    return Bounds(MAX_DECODED_PIXELS, MIN_SIDE, needed_side=style_size)


def scaled_size(height: int, width: int, style_size: int | None) -> tuple[int, int]:
    """Return the (height, width) at which a style image is encoded.

    The short side has `style_size` px; None keeps the size. Very elongated images are scaled to at
    most `MAX_SCALED_PIXELS`.
    """
    if style_size is None:
        return height, width
    short, long = sorted((height, width))
    if style_size**2 * long <= MAX_SCALED_PIXELS * short:
        scale = style_size / short
        return round(height * scale), round(width * scale)
    scale = math.sqrt(MAX_SCALED_PIXELS / (short * long))
    return max(MIN_SIDE, math.floor(height * scale)), max(MIN_SIDE, math.floor(width * scale))
