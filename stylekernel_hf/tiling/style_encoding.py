"""A style image encoded: in one piece, or tile by tile with the same result."""

from __future__ import annotations

import math
from typing import Any

from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.model.style_embedding import StyleEmbedding
from stylekernel_hf.model.style_kernel import StyleKernelModel
from stylekernel_hf.tiling.measuring import WholeStyle
from stylekernel_hf.tiling.padded_picture import PaddedPicture
from stylekernel_hf.tiling.receptive_field import style_reach
from stylekernel_hf.tiling.tile_grid import Span, grid
from stylekernel_hf.tiling.tile_size import largest_tile_size, working_memory

# Beside the features of every stage: those of the first one in float32, and what measuring their
# statistics takes.
_MEASURING_COPIES = 3


def encode_style_image(
    model: StyleKernelModel, rgb: Float[Tensor, "1 3 h w"], *, tile_size: int | None = None
) -> StyleEmbedding:
    """Encode a style image of any size, RGB in [0, 1], in bounded memory.

    What is larger than `tile_size` px a side is encoded in tiles, which give what one piece gives,
    up to rounding. None tiles what would take the network more than it takes of a content.
    """
    picture = PaddedPicture(rgb, model.style_stride, 0)
    height, width = picture.height, picture.width
    if tile_size is None:
        tile_size = _choose_tile_size(model, height, width)
    if max(height, width) <= tile_size:
        whole = picture.window(Span(0, height), Span(0, width), model.device, model.dtype)
        return model.encode_style(whole)
    style = WholeStyle(model, height, width)
    for tile in grid(
        Span(0, height),
        Span(0, width),
        tile_size,
        halo=style_reach(model),
        cell=max(model.stride, model.style_stride),
        bounds=(height, width),
    ):
        place = tile.window_rows, tile.window_columns
        style.add(picture.window(*place, model.device, model.dtype), tile)
    return style.result()


def _choose_tile_size(model: StyleKernelModel, height: int, width: int) -> int:
    pixels = working_memory(model.device) // _bytes_per_pixel(model)
    if height * width <= pixels:
        return max(height, width)
    return largest_tile_size(math.isqrt(pixels) - 2 * style_reach(model), model)


def _bytes_per_pixel(model: StyleKernelModel) -> int:
    config: Any = model.config
    values = [
        width / (config.stem_stride * 2**level) ** 2
        for level, width in enumerate(config.style_channels)
    ]
    return math.ceil(sum(values) * model.dtype.itemsize + values[0] * 4 * _MEASURING_COPIES)
