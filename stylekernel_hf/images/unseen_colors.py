"""Fully transparent pixels filled from their surroundings, so that hidden colours have no effect.

The fill is the mean colour of the visible pixels in a cell of 16 x 16 px. In a cell without any,
it is that of the smallest larger square that has some.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Num
from torch import Tensor
from torch.nn import functional

CELL = 16
# Rows at a time, to bound the memory of the sums.
_ROWS = 4 * CELL


def fill_unseen(
    rgb: Num[Tensor, "1 3 h w"], alpha: Num[Tensor, "1 1 h w"] | None
) -> Num[Tensor, "1 3 h w"]:
    """Replace the colours of fully transparent pixels; return `rgb` itself if there are none."""
    if alpha is None or not is_unseen(alpha).any():
        return rgb
    seen = SeenColors(rgb.shape[3])
    parts = list(zip(rgb.split(_ROWS, dim=2), alpha.split(_ROWS, dim=2), strict=True))
    for colors, part_alpha in parts:
        seen.add(colors, part_alpha)
    filled = [seen.fill(*part, top=index * _ROWS) for index, part in enumerate(parts)]
    return torch.cat(filled, dim=2)


def is_unseen(alpha: Num[Tensor, "*shape"]) -> Num[Tensor, "*shape"]:
    """Return where alpha, rounded to 8 bits, is 0."""
    return alpha == 0 if alpha.dtype == torch.uint8 else alpha < 0.5 / 255


class SeenColors:
    """Mean colours of the visible pixels of an image, whose rows are added from the top.

    Rows are added in multiples of `CELL`, except for the last. Sums of 8-bit pixels are exact.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._sums: list[Float[Tensor, "1 4 r c"]] = []
        self._colors: Float[Tensor, "1 3 r c"] | None = None

    def add(self, rgb: Num[Tensor, "1 3 h w"], alpha: Num[Tensor, "1 1 h w"]) -> None:
        """Add the next rows to the sums."""
        weight = alpha.float().masked_fill(is_unseen(alpha), 0)
        weighted = torch.cat([rgb.float() * weight, weight], dim=1)
        missing = (0, -weighted.shape[3] % CELL, 0, -weighted.shape[2] % CELL)
        self._sums.append(functional.avg_pool2d(functional.pad(weighted, missing), CELL))

    def fill(
        self, rgb: Num[Tensor, "1 3 h w"], alpha: Num[Tensor, "1 1 h w"], *, top: int
    ) -> Num[Tensor, "1 3 h w"]:
        """Return the rows from `top` on with fully transparent pixels filled."""
        hidden = is_unseen(alpha)
        if not hidden.any():
            return rgb
        is_bytes = rgb.dtype == torch.uint8
        if self._colors is None:
            self._colors = _everywhere(torch.cat(self._sums, dim=2), 127.5 if is_bytes else 0.5)
        rows = _between(self._colors, 2, top, rgb.shape[2])
        colors = _between(rows, 3, 0, self._width)
        colors = colors.round() if is_bytes else colors
        return torch.where(hidden, colors.to(rgb.dtype), rgb)


def _everywhere(sums: Float[Tensor, "1 4 r c"], grey: float) -> Float[Tensor, "1 3 r c"]:
    """Return the mean colour of every cell; for a cell without visible pixels, of its region."""
    weight = sums[:, 3:]
    if not weight.any():
        return torch.full_like(sums[:, :3], grey)
    means = sums[:, :3] / weight.clamp_min(torch.finfo(weight.dtype).tiny)
    if weight.all():
        return means
    pooled = functional.avg_pool2d(sums, 2, ceil_mode=True, count_include_pad=False)
    region = functional.interpolate(
        _everywhere(pooled, grey), size=sums.shape[2:], mode="bilinear", align_corners=False
    )
    return torch.where(weight > 0, means, region)


def _between(
    cells: Float[Tensor, "1 3 r c"], axis: int, start: int, count: int
) -> Float[Tensor, "1 3 r2 c2"]:
    """Interpolate along an axis, from the centres of cells to `count` pixels from `start` on."""
    pixels = torch.arange(start, start + count, device=cells.device)
    place = ((pixels + 0.5) / CELL - 0.5).clamp(0, cells.shape[axis] - 1)
    before = place.floor().long()
    after = (before + 1).clamp_max(cells.shape[axis] - 1)
    share = (place - before).view(-1, *[1] * (3 - axis))
    return torch.lerp(cells.index_select(axis, before), cells.index_select(axis, after), share)
