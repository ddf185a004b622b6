"""Image files read to PIL: upright, 8-bit sRGB pictures, and errors that say what was wrong."""

from __future__ import annotations

import math
import os

from PIL import Image

from stylekernel_hf.errors.given_values import as_float
from stylekernel_hf.images.decoding import MAX_PIXELS as MAX_PIXELS
from stylekernel_hf.images.decoding import Bounds, read_image, read_size
from stylekernel_hf.images.decoding import ImageSource as ImageSource
from stylekernel_hf.images.writing import save_image as save_image


def load_image(
    source: ImageSource, *, name: str = "image", max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Read a picture as it is meant to be seen: upright, 8 bits a channel, sRGB.

    The result is a fresh "RGB" image, or "RGBA" where the source has transparency; it holds no
    metadata and no open file. A PIL image given is left as it is. Of several frames the first is
    read (of a PIL image, the current one), of a TIFF file that begins with a preview the largest
    page. Grey of mode I counts as 16-bit, of mode F as 0 to 1. A pipe is read to its end.

    `name` is the caller's argument, with which every error begins: FileNotFoundError,
    IsADirectoryError and other OSErrors for the path, TypeError for another type of source, and
    ValueError for what is no image, is damaged, is a camera's raw file, or has more than
    `max_pixels` (known from the header, before anything is decoded).
    """
    as_float(max_pixels, "max_pixels")
    return read_image(source, name, Bounds(max_pixels))


def count_pixels(path: str | os.PathLike[str], *, name: str = "image") -> int:
    """Return how many pixels an image file has by its header; errors are those of `load_image`."""
    return math.prod(read_size(path, name))
