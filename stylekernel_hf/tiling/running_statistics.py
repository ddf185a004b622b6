"""Statistics and pooled tokens of a feature map, added up tile by tile."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.model.statistics import EPSILON, ChannelStatistics
from stylekernel_hf.tiling.tile_grid import Span


class RunningStatistics:
    """Mean and standard deviation of every channel over all parts added.

    Sums of squared deviations are merged in float64 (Chan, Golub and LeVeque, 1979), so that the
    order and number of parts hardly change the result.
    """

    def __init__(self) -> None:
        self._count = 0
        self._mean = torch.zeros((), dtype=torch.float64)
        self._squares = torch.zeros((), dtype=torch.float64)

    def add(self, part: Float[Tensor, "b c h w"]) -> None:
        """Add a part; parts must not overlap."""
        part = part.float()
        mean = part.mean(dim=(2, 3), keepdim=True)
        squares = (part - mean).square().sum(dim=(2, 3), keepdim=True).cpu().double()
        count = part.shape[2] * part.shape[3]
        total = self._count + count
        difference = mean.cpu().double() - self._mean
        self._mean = self._mean + difference * (count / total)
        self._squares = (
            self._squares + squares + difference.square() * (self._count * count / total)
        )
        self._count = total

    def result(self, device: torch.device) -> ChannelStatistics:
        """Return the `channel_statistics` of all parts together."""
        std = (self._squares / self._count + EPSILON).sqrt()
        return ChannelStatistics(self._mean.float().to(device), std.float().to(device))


class RunningPool:
    """`adaptive_avg_pool2d` of a feature of height x width, from parts that do not overlap."""

    def __init__(self, height: int, width: int, size: tuple[int, int]) -> None:
        self._lengths = (height, width)
        self._size = size
        self._pooled: Tensor | None = None

    def add(self, part: Float[Tensor, "b c h w"], top: int, left: int) -> None:
        """Add the part whose upper left pixel lies at (`top`, `left`)."""
        part = part.float()
        down = self._weights(0, Span(top, top + part.shape[2]), part)
        across = self._weights(1, Span(left, left + part.shape[3]), part)
        pooled = down @ part @ across.transpose(0, 1)
        self._pooled = pooled if self._pooled is None else self._pooled + pooled

    def result(self) -> Float[Tensor, "b c i j"]:
        """Return the means over the cells of the grid."""
        assert self._pooled is not None
        return self._pooled

    def _weights(self, axis: int, part: Span, like: Tensor) -> Float[Tensor, "cells pixels"]:
        """Return the weight of each pixel of a part in each cell of the grid; cells may overlap."""
        length, cells = self._lengths[axis], self._size[axis]
        cell = torch.arange(cells, device=like.device)[:, None]
        start, stop = cell * length // cells, -(-(cell + 1) * length // cells)
        pixel = torch.arange(*part, device=like.device)[None]
        inside = (pixel >= start) & (pixel < stop)
        return inside.to(like.dtype) / (stop - start)
