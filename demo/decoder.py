"""A small process that decodes visitors' pictures; `decoders` starts it and can end it.

It reads orders from its standard input, a line of JSON and the file's bytes, and answers each with
a line of JSON and the pixels, until its input ends.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
from typing import IO, Any

from PIL import AvifImagePlugin, Image

from demo.bounds import bound
from stylekernel_hf import give_back_freed_memory, load_image

FORMATS = frozenset({"AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP"})
SCANS = 100
"""Scans that a JPEG may have; progressive ones have about ten, and each costs a pass over all."""
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_WITHOUT_LENGTH = (0x01, 0xD8)


def main() -> None:
    """Answer orders until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Output that a library prints must not mix with the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    Image.init()
    Image.ID[:] = [image_format for image_format in Image.ID if image_format in FORMATS]
    # One thread: a visitor's picture must not occupy all processors.
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    while line := sys.stdin.buffer.readline():
        order = json.loads(line)
        _answer(answers, sys.stdin.buffer.read(order["bytes"]), order)
        give_back_freed_memory()


def count_scans(data: bytes) -> int:
    """Count the scans of a JPEG's main image, without those of a thumbnail in its metadata.

    Counting stops soon after `SCANS`.
    """
    scans, place = 0, 0
    while scans <= SCANS and (found := _MARKER.search(data, place)):
        marker, place = found[1][0], found.end()
        if marker == _END_OF_IMAGE:
            break
        scans += marker == _START_OF_SCAN
        if marker not in _WITHOUT_LENGTH:
            place += int.from_bytes(data[place : place + 2], "big")
    return scans


def size_within(
    size: tuple[int, int], pixels: int, long_side: int | None = None
) -> tuple[int, int]:
    """Return the size of a picture that is scaled down to so many pixels, and then to a long side.

    What is scaled to a long side keeps a short side of 16 px, the least that can be stylized.
    """
    width, height = size
    scale = math.sqrt(pixels / (width * height))
    if scale < 1:
        width, height = max(1, int(width * scale)), max(1, int(height * scale))
    if long_side is None or max(width, height) <= long_side:
        return width, height
    scale = long_side / max(width, height)
    return max(16, round(width * scale)), max(16, round(height * scale))


def _answer(answers: IO[bytes], data: bytes, order: dict[str, Any]) -> None:
    bound(order["seconds"], order["memory"])
    answer, pixels = _decoded(data, order)
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.write(pixels)
    answers.flush()
    bound(0, order["memory"])


def _decoded(data: bytes, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    if data.startswith(b"\xff\xd8") and count_scans(data) > SCANS:
        return {"slow": True}, b""
    try:
        picture = load_image(data, name=order["name"], max_pixels=order["most_pixels"])
        size = picture.size
        new = size_within(size, order["pixels"], order["long_side"])
        if new != size:
            picture = picture.resize(new, Image.Resampling.LANCZOS, reducing_gap=3)
        return {"mode": picture.mode, "size": picture.size, "of": size}, picture.tobytes()
    except ValueError as error:
        return {"wrong": str(error)}, b""
    except MemoryError:
        return {"large": True}, b""


if __name__ == "__main__":
    main()
