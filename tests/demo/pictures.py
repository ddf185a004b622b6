"""Uploads for the tests of the demo, good and bad."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image


def layer(path: Path, size: tuple[int, int], box: tuple[int, int, int, int]) -> Path:
    """Write a transparent layer on which the box is painted."""
    picture = Image.new("RGBA", size)
    picture.paste((200, 70, 40, 255), box)
    picture.save(path)
    return path


def huge_png(path: Path, side: int = 50_000) -> Path:
    """Write a PNG whose header promises side x side px, in a few bytes."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(header)) + b"IHDR" + header
    checksum = struct.pack(">I", zlib.crc32(b"IHDR" + header))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + checksum + b"\0\0\0\0IDAT")
    return path


def opened(path: str | Path | IO[bytes]) -> Image.Image:
    """Return a picture that holds no open file; a PNG keeps its text."""
    with Image.open(path) as picture:
        picture.load()
    return picture


def pixels(picture: Image.Image | str | Path) -> np.ndarray:
    """Return the pixels of a picture, or of a file, as floats."""
    if not isinstance(picture, Image.Image):
        picture = opened(picture)
    return np.asarray(picture.convert("RGB"), float)


def difference(one: Image.Image | str | Path, other: Image.Image | str | Path) -> float:
    """Return the mean absolute difference of two pictures' values."""
    return float(np.abs(pixels(one) - pixels(other)).mean())
