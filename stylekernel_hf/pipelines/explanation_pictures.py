"""Drawings of an explanation: highlights, a marked point, kernels as small squares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

Array = np.ndarray[Any, np.dtype[np.float32]]

TAP, GROUP_GAP, ROW_GAP = 20, 8, 14
"""The side of a tap, the gap between groups and the gap between rows, in px."""

_POSITIVE, _NEGATIVE = np.array([217.0, 95.0, 2.0]), np.array([33.0, 102.0, 172.0])
_DIMMED = 0.3


def highlight(picture: Image.Image, amount: Array) -> Image.Image:
    """Keep the picture's colours where `amount` is 1, and fade to a dim grey where it is 0.

    `amount`, in [0, 1], is scaled to the size of the picture.
    """
    shown = Image.fromarray(amount.astype(np.float32)).resize(
        picture.size, Image.Resampling.BICUBIC
    )
    share = np.asarray(shown, np.float32).clip(0, 1)[..., None]
    colours = np.asarray(picture.convert("RGB"), np.float32)
    dim = np.asarray(picture.convert("L"), np.float32)[..., None] * _DIMMED
    return Image.fromarray((dim + (colours - dim) * share).round().astype(np.uint8))


def mark(picture: Image.Image, point: tuple[int, int]) -> Image.Image:
    """Return the picture with a white ring, edged in black, around the point."""
    marked = picture.copy()
    draw = ImageDraw.Draw(marked)
    x, y = point
    radius = max(4, min(picture.size) // 40)
    width = max(2, radius // 4)
    for grown, color in ((width, "black"), (0, "white")):
        size = radius + grown
        draw.ellipse((x - size, y - size, x + size, y + size), outline=color, width=width + grown)
    return marked


def draw_kernels(kernels: Sequence[Array]) -> Image.Image:
    """Draw one row for each convolution's kernels (groups, k, k), one square for each group."""
    rows = [_kernel_row(taps) for taps in kernels]
    width = max(row.width for row in rows) + 2 * ROW_GAP
    height = sum(row.height + ROW_GAP for row in rows) + ROW_GAP
    sheet = Image.new("RGB", (width, height), (245, 245, 245))
    top = ROW_GAP
    for row in rows:
        sheet.paste(row, (ROW_GAP, top))
        top += row.height + ROW_GAP
    return sheet


def _kernel_row(taps: Array) -> Image.Image:
    groups, side = taps.shape[0], taps.shape[1] * TAP
    row = Image.new("RGB", (groups * (side + GROUP_GAP) - GROUP_GAP, side), (245, 245, 245))
    strongest = max(float(np.abs(taps).max()), 1e-6)
    for index, kernel in enumerate(taps / strongest):
        strength = np.abs(kernel)[..., None]
        ink = np.where(kernel[..., None] > 0, _POSITIVE, _NEGATIVE)
        pixels = (255 + (ink - 255) * strength).round().astype(np.uint8)
        square = Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)
        row.paste(square, (index * (side + GROUP_GAP), 0))
    return row
