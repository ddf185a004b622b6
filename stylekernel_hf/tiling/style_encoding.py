"""Encoding a style image: in one piece, or tile by tile with the same result."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.model.encoded_style import EncodedStyle
from stylekernel_hf.model.style_kernel import StyleKernelNetwork
from stylekernel_hf.tiling.measuring import TiledStyle
from stylekernel_hf.tiling.out_of_memory import retry_in_smaller_tiles
from stylekernel_hf.tiling.padded_picture import PaddedPicture
from stylekernel_hf.tiling.receptive_field import style_reach
from stylekernel_hf.tiling.tile_grid import Span, grid
from stylekernel_hf.tiling.tile_side import largest_tile_size
from stylekernel_hf.tiling.tile_size import values_per_pixel, working_memory

# Copies of the first stage in float32 that measuring its statistics takes, beside the features.
_MEASURING_COPIES = 3


def encode_style_image(
    model: StyleKernelNetwork, rgb: Float[Tensor, "1 3 h w"], *, tile_size: int | None = None
) -> EncodedStyle:
    """Encode a style image of any size, RGB in [0, 1], in bounded memory.

    An image of more than `tile_size` px a side is encoded in tiles, with the result of one piece
    up to rounding. None chooses tiles by the memory of the device. If the device runs out of
    memory, tiles of half the side are tried once before MemoryError is raised.
    """
    return retry_in_smaller_tiles(
        _StyleImage(model, rgb, tile_size),
        _StyleImage.encode,
        model.device,
        name="style",
        remedy="style_size",
    )


class _StyleImage:
    """A style image and the side of its tiles."""

    def __init__(
        self, model: StyleKernelNetwork, rgb: Float[Tensor, "1 3 h w"], tile_size: int | None
    ) -> None:
        self._model, self._rgb = model, rgb
        self._padded = PaddedPicture(rgb, model.style_stride, 0)
        self.height, self.width = rgb.shape[2:]
        padded = self._padded
        self.tile_size = tile_size or _choose_tile_size(model, padded.height, padded.width)

    def in_smaller_tiles(self) -> _StyleImage:
        side = min(self.tile_size, max(self.height, self.width)) // 2
        return _StyleImage(self._model, self._rgb, largest_tile_size(side, self._model.stride))

    def encode(self) -> EncodedStyle:
        model, picture = self._model, self._padded
        everything = Span(0, picture.height), Span(0, picture.width)
        if max(picture.height, picture.width) <= self.tile_size:
            return model.encode_style(picture.window(*everything, model.device, model.dtype))
        style = TiledStyle(model, picture.height, picture.width)
        for tile in grid(
            *everything,
            self.tile_size,
            halo=style_reach(model.config),
            cell=max(model.stride, model.style_stride),
            bounds=(picture.height, picture.width),
        ):
            place = tile.window_rows, tile.window_columns
            style.add(picture.window(*place, model.device, model.dtype), tile)
        return style.result()


def _choose_tile_size(model: StyleKernelNetwork, height: int, width: int) -> int:
    pixels = working_memory(model.device) // _bytes_per_pixel(model)
    if height * width <= pixels:
        return max(height, width)
    return largest_tile_size(math.isqrt(pixels) - 2 * style_reach(model.config), model.stride)


def _bytes_per_pixel(model: StyleKernelNetwork) -> int:
    values = values_per_pixel(model, model.config.style_channels)
    return math.ceil(sum(values) * model.dtype.itemsize + values[0] * 4 * _MEASURING_COPIES)
