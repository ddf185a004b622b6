"""Small pictures of image files, made with little memory."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

from stylekernel_hf.images.bounds import Bounds
from stylekernel_hf.images.loading import count_pixels, read_image
from stylekernel_hf.large.file_stylization import LARGE_PIXELS
from stylekernel_hf.large.strip_files import StripFile, reads_in_strips
from stylekernel_hf.large.vips_library import has_vips


def load_thumbnail(path: Path, side: int, *, name: str) -> Image.Image:
    """Read a picture and scale it into a square of `side` px; errors are those of `load_image`.

    If libvips is installed, a large picture is reduced row by row, whatever its size; transparent
    parts are then shown as opaque.
    """
    large = count_pixels(path, name=name) > LARGE_PIXELS
    if large and has_vips() and reads_in_strips(path):
        image = _reduced(StripFile(path, name=name), 4 * side)
    else:
        image = read_image(path, name, Bounds(needed_side=side))
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return image


def _reduced(file: StripFile, side: int) -> Image.Image:
    """Average squares of pixels to a longer side of about `side` px."""
    factor = max(1, max(file.width, file.height) // side)
    across, down = max(1, file.width // factor), max(1, file.height // factor)
    rows = file.rows()
    lines: list[torch.Tensor] = []
    for _ in range(down):
        strip = rows.read(min(factor, file.height))[:, : across * factor]
        squares = strip.unflatten(1, (across, -1)).float()
        lines.append(squares.mean(dim=(0, 2)).round().byte())
    return Image.fromarray(torch.stack(lines).numpy())
