"""The first pass over the tiles: statistics of the whole picture, which every tile needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from stylekernel_hf.model.encoded_style import EncodedStyle
from stylekernel_hf.model.statistics import ChannelStatistics
from stylekernel_hf.model.style_kernel import StyleKernelNetwork
from stylekernel_hf.model.token_grid import token_grid
from stylekernel_hf.tiling.padded_picture import WindowedPicture
from stylekernel_hf.tiling.receptive_field import content_reach, style_reach
from stylekernel_hf.tiling.running_statistics import RunningPool, RunningStatistics
from stylekernel_hf.tiling.tile_grid import Span, Tile, grid


class ContentStatistics:
    """The channel statistics of the content features, tile by tile."""

    def __init__(self, model: StyleKernelNetwork) -> None:
        self._model = model
        self._levels = [RunningStatistics() for _ in model.config.dynamic_convolutions]

    def add(self, window: Tensor, tile: Tile) -> None:
        """Add a tile's own pixels, without its halo."""
        features = self._model.encode_content(window)
        for index, (level, feature) in enumerate(zip(self._levels, features, strict=True)):
            cell = self._model.stride // 2 ** (len(features) - 1 - index)
            level.add(own_part(feature, tile, cell))

    def result(self) -> list[ChannelStatistics]:
        """Return the statistics of every level that has dynamic convolutions, finest first."""
        return [level.result(self._model.device) for level in self._levels]


class TiledStyle:
    """`encode_style` of a picture, a style image or a content, tile by tile."""

    def __init__(self, model: StyleKernelNetwork, height: int, width: int) -> None:
        self._model = model
        self._palette = RunningStatistics()
        self._levels = [RunningStatistics() for _ in model.config.style_channels]
        # The sides are multiples of the style stride, so the size of the tokens' level is known.
        rows, columns = height // model.stride, width // model.stride
        size = token_grid(rows, columns, model.style_alignment.max_tokens)
        self._pool = RunningPool(rows, columns, size)

    def add(self, window: Tensor, tile: Tile) -> None:
        """Add a tile's own pixels, without its halo."""
        self._palette.add(own_part(window, tile, 1))
        features = self._model.style_encoder(window)
        for index, (level, feature) in enumerate(zip(self._levels, features, strict=True)):
            part = own_part(feature, tile, self._model.config.stem_stride * 2**index)
            level.add(part)
            if index == self._model.token_level:
                stride = self._model.stride
                self._pool.add(part, tile.rows.start // stride, tile.columns.start // stride)

    def result(self) -> EncodedStyle:
        """Return what `encode_style` would make of the whole picture."""
        model = self._model
        statistics = [each.result(model.device) for each in (self._palette, *self._levels)]
        key, value = model.style_alignment.encode_pooled(
            self._pool.result().to(model.dtype), statistics[1 + model.token_level]
        )
        return EncodedStyle(key, value, model.style_code.summarise(statistics, model.dtype))


def measuring_tiles(
    model: StyleKernelNetwork, picture: WindowedPicture, tile_size: int, *, own_style: bool
) -> list[Tile]:
    """Cut the padded picture into tiles, with its margin, which the statistics include."""
    cell, halo = model.stride, content_reach(model.config)
    if own_style:
        cell, halo = max(cell, model.style_stride), max(halo, style_reach(model.config))
    return grid(
        Span(0, picture.height),
        Span(0, picture.width),
        tile_size,
        halo=halo,
        cell=cell,
        bounds=(picture.height, picture.width),
    )


def measure(
    model: StyleKernelNetwork,
    picture: WindowedPicture,
    tiles: Sequence[Tile],
    *,
    own_style: bool,
    on_tile: Callable[[], object],
) -> tuple[list[ChannelStatistics], EncodedStyle | None]:
    """Return the statistics of the content features, and with `own_style` the content's style."""
    content = ContentStatistics(model)
    own = TiledStyle(model, picture.height, picture.width) if own_style else None
    for tile in tiles:
        window = picture.window(tile.window_rows, tile.window_columns, model.device, model.dtype)
        content.add(window, tile)
        if own is not None:
            own.add(window, tile)
        on_tile()
    return content.result(), own.result() if own is not None else None


def own_part(feature: Tensor, tile: Tile, cell: int) -> Tensor:
    """Cut the halo off a feature of a tile's window; one value covers `cell` x `cell` px."""
    rows, columns = (
        slice((own.start - window.start) // cell, _end(own, window, cell))
        for own, window in (
            (tile.rows, tile.window_rows),
            (tile.columns, tile.window_columns),
        )
    )
    return feature[..., rows, columns]


def _end(own: Span, window: Span, cell: int) -> int | None:
    # The last value at the picture's border may stand for an incomplete cell.
    return None if own.stop == window.stop else (own.stop - window.start) // cell
