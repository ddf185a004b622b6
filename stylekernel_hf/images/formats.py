"""What image files can hold, known before the work."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

MAX_SIDES = {
    # Beyond it libavif writes files that its own reader refuses.
    "AVIF": 32_768,
    "GIF": 65_535,
    "JPEG": 65_500,
    "MPO": 65_500,
    "PDF": 65_500,
    "SGI": 65_535,
    "TGA": 65_535,
    "WEBP": 16_383,
}
"""The longest side in px of a format, by Pillow's name of it; others hold whatever memory holds."""

ALPHA_FORMATS = frozenset({"AVIF", "GIF", "JPEG2000", "PNG", "QOI", "TGA", "TIFF", "WEBP"})
"""The formats in which transparency is kept."""

# Icons are scaled, silently, to the sizes of icons; PCX of an odd width get wrong colours.
_CHANGED_BY_PILLOW = frozenset({"ICNS", "ICO", "PCX"})


def format_to_write(path: Path, *, name: str) -> str:
    """Return Pillow's name of the format that a path's suffix stands for.

    ValueError, which begins with `name`, for one that is none or cannot hold colours.
    """
    image_format = Image.registered_extensions().get(path.suffix.lower())
    if image_format is None or image_format in _CHANGED_BY_PILLOW or not _takes(image_format):
        raise ValueError(
            f"{name} must end in the suffix of an image format that Pillow writes in colour "
            f"(.avif, .bmp, .gif, .jpg, .png, .tif, .webp, ...), got {str(path)!r}"
        )
    return image_format


def check_image_size(path: Path, size: tuple[int, int], *, name: str) -> None:
    """Raise ValueError where the format of `path` cannot hold `name`, width x height px large."""
    image_format = format_to_write(path, name="path")
    longest = MAX_SIDES.get(image_format)
    if longest is not None and max(size) > longest:
        raise ValueError(
            f"{name} must be at most {longest} px a side for {image_format} ({str(path)!r}), got "
            f"{size[0]}x{size[1]} px; .png and .tif hold larger ones"
        )


def _takes(image_format: str) -> bool:
    """Ask the encoder: many have none, or only one of black and white."""
    try:
        Image.new("RGB", (1, 1)).save(io.BytesIO(), image_format)
    except (KeyError, OSError, ValueError):
        return False
    return True
