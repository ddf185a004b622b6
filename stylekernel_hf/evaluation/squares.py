"""The central squares of pictures, which are what is scored."""

from __future__ import annotations

import os

from PIL import Image

from stylekernel_hf.errors.given_values import as_integer
from stylekernel_hf.images.bounds import MAX_DECODED_PIXELS, Bounds
from stylekernel_hf.images.tensors import load_rgb

MIN_SIZE = 64
SIZE_STEP = 32


def check_size(size: int) -> int:
    """Return the side in px as a plain integer; TypeError or ValueError if it is not valid."""
    size = as_integer(size, "size")
    if size < MIN_SIZE or size % SIZE_STEP:
        raise ValueError(
            f"size must be a multiple of {SIZE_STEP} px and at least {MIN_SIZE} px, got {size}"
        )
    return size


def read_square(path: str | os.PathLike[str], size: int, name: str) -> Image.Image:
    """Read a picture's central square, scaled to `size` px a side; errors show `name`."""
    image = load_rgb(path, name=name, bounds=Bounds(MAX_DECODED_PIXELS, needed_side=size))
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    return square.resize((size, size), Image.Resampling.BICUBIC)
