"""Statistics and pooled tokens of features, added up tile by tile; see `tiling.measuring`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.model.token_grid import token_grid
from stylekernel_hf.runtime.engines import Floats
from stylekernel_hf.tiling.tile_grid import Span, Tile

_EPSILON = 1e-5


class Statistics(NamedTuple):
    """Mean and standard deviation of every channel, 1 x c x 1 x 1."""

    mean: Floats
    std: Floats


class RunningStatistics:
    """Mean and standard deviation of every channel over all parts added.

    Sums of squared deviations are merged in float64 (Chan, Golub and LeVeque, 1979).
    """

    def __init__(self) -> None:
        self._count = 0
        self._mean = np.zeros(())
        self._squares = np.zeros(())

    def add(self, part: Floats) -> None:
        """Add a part, 1 x c x h x w; parts must not overlap."""
        mean = part.mean(axis=3).mean(axis=2)[..., None, None]
        squares = np.square(part - mean).sum(axis=3).sum(axis=2, dtype=np.float64)[..., None, None]
        count = part.shape[2] * part.shape[3]
        total = self._count + count
        difference = mean.astype(np.float64) - self._mean
        self._mean = self._mean + difference * (count / total)
        self._squares = (
            self._squares + squares + np.square(difference) * (self._count * count / total)
        )
        self._count = total

    def result(self) -> Statistics:
        """Return the statistics of all parts together."""
        std = np.sqrt(self._squares / self._count + _EPSILON)
        return Statistics(self._mean.astype(np.float32), std.astype(np.float32))


class RunningPool:
    """The means of a feature of height x width over a grid, from parts that do not overlap."""

    def __init__(self, height: int, width: int, size: tuple[int, int]) -> None:
        self._lengths, self._size = (height, width), size
        self.result: Floats = np.zeros((), np.float32)

    def add(self, part: Floats, top: int, left: int) -> None:
        """Add the part, 1 x c x h x w, whose upper left pixel lies at (`top`, `left`)."""
        down = self._weights(0, Span(top, top + part.shape[2]))
        across = self._weights(1, Span(left, left + part.shape[3]))
        self.result = self.result + down @ part @ across.T

    def _weights(self, axis: int, part: Span) -> Floats:
        """Return the weight of each pixel of a part in each cell of the grid; cells may overlap."""
        length, cells = self._lengths[axis], self._size[axis]
        cell = np.arange(cells)[:, None]
        start, stop = cell * length // cells, -(-(cell + 1) * length // cells)
        pixel = np.arange(*part)[None]
        inside: npt.NDArray[np.bool_] = (pixel >= start) & (pixel < stop)
        return (inside / (stop - start)).astype(np.float32)


class ContentMeasure:
    """The statistics of the content features of a picture, tile by tile."""

    def __init__(self, config: StyleKernelConfig) -> None:
        self._stride = config.stride
        self._levels = [RunningStatistics() for _ in config.dynamic_convolutions]

    def add(self, features: Sequence[Floats], tile: Tile) -> None:
        """Add the features of a tile's window, of which only the tile's own part counts."""
        for index, (level, feature) in enumerate(zip(self._levels, features, strict=True)):
            cell = self._stride // 2 ** (len(features) - 1 - index)
            level.add(own_part(feature, tile, cell))

    def result(self) -> list[Statistics]:
        """Return the statistics of every level, finest first."""
        return [level.result() for level in self._levels]


class StyleMeasure:
    """What the style of a picture of height x width is summarised from, tile by tile."""

    def __init__(self, config: StyleKernelConfig, height: int, width: int) -> None:
        self._config = config
        self._levels = [RunningStatistics() for _ in (3, *config.style_channels)]
        rows, columns = height // config.stride, width // config.stride
        size = token_grid(rows, columns, config.max_style_tokens)
        self._pool = RunningPool(rows, columns, size)

    def add(self, window: Floats, features: Sequence[Floats], tile: Tile) -> None:
        """Add a tile's window, 1 x 3 x h x w, and its features of all stages of the encoder."""
        config, stride = self._config, self._config.stride
        self._levels[0].add(own_part(window, tile, 1))
        for index, feature in enumerate(features):
            part = own_part(feature, tile, config.stem_stride * 2**index)
            self._levels[1 + index].add(part)
            if index == len(config.encoder_channels) - 1:
                self._pool.add(part, tile.rows.start // stride, tile.columns.start // stride)

    def result(self) -> tuple[Floats, list[Statistics]]:
        """Return the pooled feature of the tokens, and the statistics of image and features."""
        return self._pool.result, [level.result() for level in self._levels]


def own_part(feature: Floats, tile: Tile, cell: int) -> Floats:
    """Cut the halo off a feature of a tile's window; one value covers `cell` x `cell` px."""
    rows, columns = (
        slice(
            (own.start - window.start) // cell,
            # The last value at the picture's border may stand for an incomplete cell.
            None if own.stop == window.stop else (own.stop - window.start) // cell,
        )
        for own, window in ((tile.rows, tile.window_rows), (tile.columns, tile.window_columns))
    )
    return feature[..., rows, columns]
