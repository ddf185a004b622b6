"""The network over a picture or a batch: in one piece, or in tiles with the same result."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Num
from torch import Tensor

from stylekernel_hf.images.geometry import crop_back
from stylekernel_hf.images.tensors import rounded_bytes
from stylekernel_hf.model.encoded_style import EncodedStyle
from stylekernel_hf.model.statistics import ChannelStatistics, channel_statistics
from stylekernel_hf.model.style_field import StyleField
from stylekernel_hf.model.style_kernel import BORDER_MARGIN, StyleKernelNetwork
from stylekernel_hf.tiling.measuring import measure, measuring_tiles, own_part
from stylekernel_hf.tiling.padded_picture import PaddedPicture, WindowedPicture
from stylekernel_hf.tiling.receptive_field import full_reach
from stylekernel_hf.tiling.tile_grid import Span, Tile, grid
from stylekernel_hf.tiling.tile_side import largest_tile_size
from stylekernel_hf.tiling.tile_size import choose_tile_size


class TiledForward:
    """Stylize a picture, or a batch of b, with a strength above 0, in `steps` steps.

    Tiles give the result of one piece, up to rounding: keys and values come from the style alone,
    a first pass measures the statistics of the whole picture, and in the second pass each tile
    sees its whole receptive field. Maps of strengths and of a style field have the picture's size.

    Args:
        model: The network.
        rgb: The content, in uint8 or in floats in [0, 1].
        strength: From 0 (the content) to 1 (the full style), for the picture or for every pixel.
        tile_size: Side of the tiles in px; None chooses. A picture no larger than a tile is
            stylized in one piece.
    """

    def __init__(
        self,
        model: StyleKernelNetwork,
        rgb: Num[Tensor, "b 3 h w"],
        strength: float | Float[Tensor, "1 1 h w"],
        tile_size: int | None,
    ) -> None:
        self.height, self.width = rgb.shape[2:]
        self._partly = isinstance(strength, Tensor) or strength < 1
        if tile_size is None:
            tile_size = choose_tile_size(model, self.height, self.width, own_style=self._partly)
        elif max(self.height, self.width) <= tile_size:
            tile_size = None
        self.tile_size = tile_size
        self._model = model
        self._rgb = rgb
        self._strength = strength
        self._picture = PaddedPicture(rgb, model.stride, BORDER_MARGIN)
        self._measuring: list[Tile] = []
        self._tiles: list[Tile] = []
        if tile_size is not None:
            self._measuring = measuring_tiles(
                model, self._picture, tile_size, own_style=self._partly
            )
            self._tiles = output_tiles(model, self._picture, self.height, self.width, tile_size)

    @property
    def steps(self) -> int:
        """How often `run` calls `on_step`."""
        return len(self._measuring) + len(self._tiles) or 1

    def in_smaller_tiles(self) -> TiledForward:
        """Return the same work in tiles of half the side."""
        side = (self.tile_size or max(self.height, self.width)) // 2
        tile_size = largest_tile_size(side, self._model.stride)
        return TiledForward(self._model, self._rgb, self._strength, tile_size)

    def run(
        self,
        style: EncodedStyle | StyleField,
        *,
        as_bytes: bool,
        on_step: Callable[[], object],
        adjust: Callable[[list[ChannelStatistics]], list[ChannelStatistics]] | None = None,
    ) -> Num[Tensor, "b 3 h w"]:
        """Return the stylized picture: floats on the model's device, or uint8 on the CPU.

        `adjust` gets the statistics of the picture and returns those to stylize it with.
        """
        model = self._model
        style = style.to(model.device, model.dtype)
        if not self._tiles:
            whole = self._run_whole(style, adjust)
            on_step()
            return rounded_bytes(whole).cpu() if as_bytes else whole
        canvas = torch.empty(
            (len(self._rgb), 3, self.height, self.width),
            dtype=torch.uint8 if as_bytes else model.dtype,
            device="cpu" if as_bytes else model.device,
        )
        statistics, own = measure(
            model, self._picture, self._measuring, own_style=self._partly, on_tile=on_step
        )
        statistics = statistics if adjust is None else adjust(statistics)
        for tile in self._tiles:
            part = self._run_tile(tile, statistics, style, own)
            rows, columns = (
                slice(own.start - BORDER_MARGIN, own.stop - BORDER_MARGIN)
                for own in (tile.rows, tile.columns)
            )
            canvas[..., rows, columns] = rounded_bytes(part) if as_bytes else part
            on_step()
        return canvas

    def _run_whole(
        self,
        style: EncodedStyle | StyleField,
        adjust: Callable[[list[ChannelStatistics]], list[ChannelStatistics]] | None,
    ) -> Float[Tensor, "b 3 h w"]:
        picture, model = self._picture, self._model
        everything = Span(0, picture.height), Span(0, picture.width)
        padded = picture.window(*everything, model.device, model.dtype)
        style, strength = self._style_in(style, *everything), self._strength_in(*everything)
        if adjust is None:
            return crop_back(model(padded, style, strength), picture.padding)
        features = model.encode_content(padded)
        statistics = adjust([channel_statistics(level) for level in features])
        if self._partly:
            own = model.encode_style(padded)
            whole = model.stylize_partly(padded, features, statistics, style, own, strength)
        else:
            whole = model.stylize(features, statistics, style)
        return crop_back(whole, picture.padding)

    def _run_tile(
        self,
        tile: Tile,
        statistics: list[ChannelStatistics],
        style: EncodedStyle | StyleField,
        own: EncodedStyle | None,
    ) -> Float[Tensor, "b 3 h w"]:
        model, place = self._model, (tile.window_rows, tile.window_columns)
        window = self._picture.window(*place, model.device, model.dtype)
        style = self._style_in(style, *place)
        return stylize_tile(model, window, tile, statistics, style, own, self._strength_in(*place))

    def _style_in(
        self, style: EncodedStyle | StyleField, rows: Span, columns: Span
    ) -> EncodedStyle | StyleField:
        """Cut a style's map, which has the picture's size, to a window of the padded picture."""
        if isinstance(style, EncodedStyle) or style.shares.shape[2:] == (1, 1):
            return style
        return StyleField(style.styles, self._window_of(style.shares, rows, columns))

    def _strength_in(self, rows: Span, columns: Span) -> float | Float[Tensor, "1 1 i j"]:
        if isinstance(self._strength, Tensor):
            return self._window_of(self._strength, rows, columns)
        return self._strength

    def _window_of(self, maps: Float[Tensor, "1 n h w"], rows: Span, columns: Span) -> Tensor:
        padded = PaddedPicture(maps, self._model.stride, BORDER_MARGIN)
        return padded.window(rows, columns, self._model.device, self._model.dtype)


def output_tiles(
    model: StyleKernelNetwork, picture: WindowedPicture, height: int, width: int, tile_size: int
) -> list[Tile]:
    """Cut a picture of height x width into tiles, without its margin, which they only see."""
    return grid(
        Span(BORDER_MARGIN, BORDER_MARGIN + height),
        Span(BORDER_MARGIN, BORDER_MARGIN + width),
        tile_size,
        halo=full_reach(model.config),
        cell=model.stride,
        bounds=(picture.height, picture.width),
    )


def stylize_tile(
    model: StyleKernelNetwork,
    window: Float[Tensor, "b 3 i j"],
    tile: Tile,
    statistics: list[ChannelStatistics],
    style: EncodedStyle | StyleField,
    own: EncodedStyle | None,
    strength: float | Float[Tensor, "1 1 i j"],
) -> Float[Tensor, "b 3 h w"]:
    """Return the stylized own pixels of a tile, in full strength if `own` is None."""
    features = model.encode_content(window)
    if own is None:
        stylized = model.stylize(features, statistics, style)
    else:
        stylized = model.stylize_partly(window, features, statistics, style, own, strength)
    return own_part(stylized, tile, 1)
