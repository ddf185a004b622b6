"""Fully transparent pixels filled from their surroundings; see `images.unseen_colors`."""

from __future__ import annotations

import numpy as np
from PIL import Image

from stylekernel_hf.runtime.engines import Floats

_CELL = 16
_GREY = 0.5


def fill_unseen(rgb: Floats, alpha: Floats) -> Floats:
    """Replace the colours of fully transparent pixels of h x w x 3 by those around them.

    The fill is the mean colour of the visible pixels in a cell of 16 x 16 px, or, in a cell without
    any, that of the smallest larger square that has some.
    """
    hidden = alpha < 0.5 / 255
    if not hidden.any():
        return rgb
    height, width = rgb.shape[:2]
    weight = np.where(hidden, 0, alpha)
    weighted = np.concatenate([rgb * weight, weight], axis=2)
    cells = _everywhere(_means(weighted, _CELL, padded=True))
    rows = _between(cells, height)
    colors = np.moveaxis(_between(np.moveaxis(rows, 1, 0), width), 1, 0)
    return np.where(hidden, colors, rgb).astype(np.float32)


def _means(values: Floats, side: int, *, padded: bool) -> Floats:
    """Average squares; the last ones count what is missing as zeros if `padded`, else not."""
    height, width = values.shape[:2]
    missing = ((0, -height % side), (0, -width % side), (0, 0))
    squares = np.pad(values, missing)
    rows, columns = squares.shape[0] // side, squares.shape[1] // side
    sums = squares.reshape(rows, side, columns, side, -1).sum(axis=(1, 3), dtype=np.float32)
    if padded:
        return (sums / side**2).astype(np.float32)
    down = np.minimum(side, height - side * np.arange(rows))
    across = np.minimum(side, width - side * np.arange(columns))
    counts = (down[:, None] * across)[..., None]
    return (sums / counts).astype(np.float32)


def _everywhere(sums: Floats) -> Floats:
    """Return the mean colour of every cell; for a cell without visible pixels, of its region."""
    weight = sums[..., 3:]
    if not weight.any():
        return np.full_like(sums[..., :3], _GREY)
    means = (sums[..., :3] / np.maximum(weight, np.finfo(np.float32).tiny)).astype(np.float32)
    if weight.all():
        return means
    region = _everywhere(_means(sums, 2, padded=False))
    size = (sums.shape[1], sums.shape[0])
    enlarged = [
        Image.fromarray(np.ascontiguousarray(channel, np.float32)).resize(
            size, Image.Resampling.BILINEAR
        )
        for channel in np.moveaxis(region, 2, 0)
    ]
    return np.where(weight > 0, means, np.stack([np.asarray(each) for each in enlarged], axis=2))


def _between(cells: Floats, count: int) -> Floats:
    """Interpolate along the first axis, from the centres of cells to `count` pixels."""
    place = ((np.arange(count) + 0.5) / _CELL - 0.5).clip(0, len(cells) - 1)
    before = np.floor(place).astype(int)
    after = np.minimum(before + 1, len(cells) - 1)
    share = (place - before)[:, None, None].astype(np.float32)
    return (cells[before] + share * (cells[after] - cells[before])).astype(np.float32)
