"""Limits of image formats, checked before an image is stylized."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

MAX_SIDES = {
    # libavif writes larger files, which its own reader refuses.
    "AVIF": 32_768,
    "GIF": 65_535,
    "JPEG": 65_500,
    "MPO": 65_500,
    "PDF": 65_500,
    "SGI": 65_535,
    "TGA": 65_535,
    "WEBP": 16_383,
}
"""Longest side in px by Pillow's name of the format; other formats have no limit that matters."""

ALPHA_FORMATS = frozenset({"AVIF", "GIF", "JPEG2000", "PNG", "QOI", "TGA", "TIFF", "WEBP"})
"""Formats that keep transparency."""

# Pillow scales icons to standard sizes without notice, and writes PCX of odd widths wrongly.
_CHANGED_BY_PILLOW = frozenset({"ICNS", "ICO", "PCX"})


def format_of_suffix(suffix: str) -> str | None:
    """Return Pillow's name of the format of a suffix, which loads rare formats only if need be."""
    Image.preinit()
    suffix = suffix.lower()
    return Image.EXTENSION.get(suffix) or Image.registered_extensions().get(suffix)


def format_to_write(path: Path, *, name: str) -> str:
    """Return Pillow's name of the format of a path's suffix.

    Raises ValueError, which begins with `name`, for a suffix without a format that holds colours.
    """
    image_format = format_of_suffix(path.suffix)
    if image_format is None or image_format in _CHANGED_BY_PILLOW or not _takes(image_format):
        raise ValueError(
            f"{name} must end in the suffix of an image format that Pillow writes in colour "
            f"(such as .avif, .bmp, .gif, .jpg, .png, .tif, .webp), got {str(path)!r}"
        )
    return image_format


def check_image_size(path: Path, size: tuple[int, int], *, name: str) -> None:
    """Raise ValueError if the format of `path` cannot hold an image of this (width, height)."""
    image_format = format_to_write(path, name="path")
    longest = MAX_SIDES.get(image_format)
    if longest is not None and max(size) > longest:
        raise ValueError(
            f"{name} must be at most {longest} px a side for {image_format} ({str(path)!r}), got "
            f"{size[0]}x{size[1]} px; .png and .tif hold larger ones"
        )


def _takes(image_format: str) -> bool:
    """Return whether Pillow can write colours in the format, by trying it."""
    try:
        Image.new("RGB", (1, 1)).save(io.BytesIO(), image_format)
    except (KeyError, OSError, ValueError):
        return False
    return True
