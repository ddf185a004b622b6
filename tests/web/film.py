"""A film for a browser's fake camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_film(path: Path, height: int = 240, width: int = 320, frames: int = 30) -> None:
    """Write a Y4M file: a bright square that moves over a dark ground."""
    with path.open("wb") as film:
        film.write(f"YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420jpeg\n".encode())
        for index in range(frames):
            luma = np.tile(np.linspace(40, 120, width).astype(np.uint8), (height, 1))
            left = index * (width - 80) // frames
            luma[80:160, left : left + 80] = 220
            chroma = np.full((2, height // 2, width // 2), 128, np.uint8)
            chroma[0, :, : width // 4] = 90
            film.write(b"FRAME\n" + luma.tobytes() + chroma.tobytes())
