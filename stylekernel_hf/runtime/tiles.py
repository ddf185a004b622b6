"""The network over one picture: in one piece, or tile by tile; see `tiling.tiled_forward`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from stylekernel_hf.export.graphs import MARGIN
from stylekernel_hf.runtime.engines import Floats
from stylekernel_hf.runtime.measuring import ContentMeasure, Statistics, StyleMeasure, own_part
from stylekernel_hf.runtime.network import RuntimeNetwork
from stylekernel_hf.runtime.pictures import clipped
from stylekernel_hf.runtime.shares import Shares
from stylekernel_hf.runtime.style import RuntimeStyle
from stylekernel_hf.tiling.receptive_field import content_reach, full_reach, style_reach
from stylekernel_hf.tiling.tile_grid import Span, Tile, grid
from stylekernel_hf.tiling.tile_side import largest_tile_size

MAX_WHOLE_PIXELS = 2**24
"""Largest picture in one piece, which takes about 150 bytes a pixel."""
_WINDOW_PIXELS = 2**21
"""Pixels of a tile and its halo in larger ones."""


class PicturePass:
    """Stylizes a picture of height x width with a strength above 0, in `steps` steps.

    Maps need the statistics of the picture beforehand, and so count as one tile.

    Args:
        network: The network.
        size: (height, width) of the picture.
        shares: The shares of the styles, and the strength.
        tile_size: Side of the tiles in px; None for tiles only where one piece is too large.
    """

    def __init__(
        self, network: RuntimeNetwork, size: tuple[int, int], shares: Shares, tile_size: int | None
    ) -> None:
        self._network, self._shares = network, shares
        config = network.config
        self._after = [MARGIN - (side + 2 * MARGIN) % -config.stride for side in size]
        bounds = size[0] + MARGIN + self._after[0], size[1] + MARGIN + self._after[1]
        if tile_size is None and math.prod(size) > MAX_WHOLE_PIXELS:
            tile_size = _chosen_tile_size(full_reach(config), config.stride)
        is_whole = tile_size is None or max(size) <= tile_size
        self._tiles: list[Tile] = []
        self._measuring: list[Tile] = []
        if is_whole and not shares.has_map:
            return
        side = max(bounds) if is_whole else tile_size or 0
        cell, halo = config.stride, content_reach(config)
        if shares.is_partial:
            cell, halo = max(cell, config.style_stride), max(halo, style_reach(config))
        self._measuring = grid(
            Span(0, bounds[0]), Span(0, bounds[1]), side, halo=halo, cell=cell, bounds=bounds
        )
        inside = [Span(MARGIN, MARGIN + length) for length in size]
        self._tiles = grid(
            inside[0], inside[1], side, halo=full_reach(config), cell=config.stride, bounds=bounds
        )

    @property
    def steps(self) -> int:
        """How often `run` calls `on_step`."""
        return len(self._measuring) + len(self._tiles) or 1

    def run(
        self, rgb: Floats, styles: Sequence[RuntimeStyle], on_step: Callable[[], object]
    ) -> Floats:
        """Return the stylized picture, h x w x 3."""
        height, width = rgb.shape[:2]
        network = self._network.for_picture(rgb)
        padded = self._padded(np.moveaxis(rgb, 2, 0))
        if not self._tiles:
            shares, strength = self._shares.styles, float(self._shares.strength)
            picture = network.transform(padded[None], styles, shares, strength)
            on_step()
            inside = picture[0, :, MARGIN : MARGIN + height, MARGIN : MARGIN + width]
            return np.moveaxis(inside, 0, 2)
        statistics, own = self._measure(padded, on_step)
        maps = self._padded_shares(own is not None)
        canvas = np.empty((height, width, 3), np.float32)
        for tile in self._tiles:
            window = _window(padded, tile)
            stylized = self._painted(network, window, tile, statistics, styles, own, maps)
            rows, columns = (
                slice(span.start - MARGIN, span.stop - MARGIN) for span in (tile.rows, tile.columns)
            )
            canvas[rows, columns] = np.moveaxis(own_part(stylized, tile, 1)[0], 0, 2)
            on_step()
        return canvas

    def _painted(
        self,
        network: RuntimeNetwork,
        window: Floats,
        tile: Tile,
        statistics: list[Statistics],
        styles: Sequence[RuntimeStyle],
        own: RuntimeStyle | None,
        maps: tuple[Floats, Floats],
    ) -> Floats:
        """Stylize a window; what its own style loses is added back by the rest of the strength."""
        shares, strength = maps
        if shares.ndim > 1:
            shares = _window(shares, tile)[0]
        if own is None:
            return network.paint(window, styles, shares, statistics)
        strength = strength if strength.ndim == 0 else _window(strength, tile)
        stylized = network.paint(window, [own, *styles], shares, statistics)
        itself = network.paint(window, [own], np.ones(1, np.float32), statistics)
        lost = np.asarray((1 - strength) * (window - itself), np.float32)
        return clipped(stylized + lost)

    def _measure(
        self, padded: Floats, on_step: Callable[[], object]
    ) -> tuple[list[Statistics], RuntimeStyle | None]:
        """Return the statistics of the picture, and its own style where a part of it stays."""
        network = self._network
        content = ContentMeasure(network.config)
        style = None
        if self._shares.is_partial:
            style = StyleMeasure(network.config, *padded.shape[1:])
        for tile in self._measuring:
            window = _window(padded, tile)
            content.add(network.content_features(window), tile)
            if style is not None:
                style.add(window, network.style_features(window), tile)
            on_step()
        return content.result(), None if style is None else network.summarise(*style.result())

    def _padded_shares(self, is_partial: bool) -> tuple[Floats, Floats]:
        """Return the shares of the padded picture, the picture's own style first if it has one."""
        shares, strength = self._shares.styles, self._shares.strength
        shares = shares if shares.ndim == 1 else self._padded(shares)
        if not is_partial:
            return shares, strength
        if strength.ndim > 0:
            strength = self._padded(strength[None])
            shares = shares if shares.ndim > 1 else shares[:, None, None]
        shares = strength * shares
        rest = np.broadcast_to(1 - strength, shares[:1].shape)
        return np.concatenate([rest, shares], dtype=np.float32), strength

    def _padded(self, maps: Floats) -> Floats:
        """Reflect c x h x w outwards."""
        around = [(MARGIN, each) for each in self._after]
        return np.pad(np.ascontiguousarray(maps), [(0, 0), *around], mode="reflect")


def encode_painting(network: RuntimeNetwork, rgb: Floats) -> RuntimeStyle:
    """Encode a painting, h x w x 3, in tiles if one piece is too large."""
    config = network.config
    height, width = rgb.shape[:2]
    painting = np.ascontiguousarray(np.moveaxis(rgb, 2, 0))
    if height * width <= MAX_WHOLE_PIXELS // 4:
        return network.encode(painting[None])
    after = [(0, -side % config.style_stride) for side in (height, width)]
    padded = np.pad(painting, [(0, 0), *after], mode="reflect")
    bounds = padded.shape[1], padded.shape[2]
    reach, cell = style_reach(config), max(config.stride, config.style_stride)
    side = _chosen_tile_size(reach, cell)
    measure = StyleMeasure(config, *bounds)
    for tile in grid(
        Span(0, bounds[0]), Span(0, bounds[1]), side, halo=reach, cell=cell, bounds=bounds
    ):
        window = _window(padded, tile)
        measure.add(window, network.style_features(window), tile)
    return network.summarise(*measure.result())


def _chosen_tile_size(reach: int, stride: int) -> int:
    return largest_tile_size(math.isqrt(_WINDOW_PIXELS) - 2 * reach, stride)


def _window(maps: Floats, tile: Tile) -> Floats:
    """Cut a tile's window out of c x h x w: 1 x c x i x j."""
    rows, columns = (slice(*span) for span in (tile.window_rows, tile.window_columns))
    return np.ascontiguousarray(maps[None, :, rows, columns])
