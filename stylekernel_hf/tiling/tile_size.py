"""The side of a tile, chosen by the memory of the device."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.model.style_kernel import BORDER_MARGIN, StyleKernelNetwork
from stylekernel_hf.tiling.receptive_field import full_reach
from stylekernel_hf.tiling.tile_side import largest_tile_size

WORKING_MEMORY = 512 * 2**20
"""Bytes that the network may use at once; on CUDA, half of the free memory instead."""

# Peak memory as a multiple of the largest activation of the encoders and of the kernels, measured:
# 2.0 with the preset small and 2.3 with base.
_LIVE_ACTIVATIONS = 2.3
# Copies in float32 of the largest activation, for the statistics of the picture's own style.
_MEASURING_COPIES = 2


def choose_tile_size(
    model: StyleKernelNetwork, height: int, width: int, *, own_style: bool = True
) -> int | None:
    """Return the side of tiles for a picture of this size, or None where it fits in one piece.

    It is the largest side with which no tile needs more memory than there is, with its halo. The
    picture's own style, for a strength below 1, needs memory as well.
    """
    pixels = fitting_pixels(model, own_style=own_style)
    if (height + 2 * BORDER_MARGIN) * (width + 2 * BORDER_MARGIN) <= pixels:
        return None
    # With this one, a tile with a halo all around fits.
    smallest = largest_tile_size(math.isqrt(pixels) - 2 * _halo(model), model.stride)
    sides = {
        -(-length // (count * model.stride)) * model.stride
        for length in (height, width)
        for count in range(1, length // smallest + 1)
    }
    fitting = [
        side
        for side in sides
        if side > smallest and _window(height, side, model) * _window(width, side, model) <= pixels
    ]
    return max([smallest, *fitting])


def _window(length: int, side: int, model: StyleKernelNetwork) -> int:
    """Return the longest side of a tile and its halo, which ends at the picture's margin."""
    stride = model.stride
    cells = -(-length // stride)
    count = -(-cells // (side // stride))
    halos = min(count - 1, 2)
    # The margin is filled up to whole cells.
    ends = (2 - halos) * (BORDER_MARGIN + stride)
    return -(-cells // count) * stride + halos * _halo(model) + ends


def _halo(model: StyleKernelNetwork) -> int:
    return -(-full_reach(model.config) // model.stride) * model.stride


def working_memory(device: torch.device) -> int:
    """Return how many bytes the network may use at once."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] // 2
    return WORKING_MEMORY


def fitting_pixels(model: StyleKernelNetwork, *, own_style: bool) -> int:
    """Return on how many pixels the network may work at once, with the margins of pictures."""
    return working_memory(model.device) // _bytes_per_pixel(model, own_style)


def values_per_pixel(model: StyleKernelNetwork, channels: Sequence[int]) -> list[float]:
    """Return the number of values per pixel of each stage of an encoder, finest first."""
    stride = model.config.stem_stride
    return [width / (stride * 2**level) ** 2 for level, width in enumerate(channels)]


def _bytes_per_pixel(model: StyleKernelNetwork, own_style: bool) -> int:
    """Return the peak memory of a picture in full strength, or with its own style encoded too."""
    config, size = model.config, model.dtype.itemsize
    finest = max(
        *values_per_pixel(model, config.encoder_channels),
        *values_per_pixel(model, config.style_channels),
    )
    need = _LIVE_ACTIVATIONS * size * (finest + _kernel_values(config))
    if own_style:
        copies = 0 if model.dtype == torch.float32 else _MEASURING_COPIES
        need += finest * (size + 4 * copies)
    return math.ceil(need)


def _kernel_values(config: StyleKernelConfig) -> float:
    """Return the values per pixel of the kernels of a level, with what they are made from."""
    first = len(config.encoder_channels) - len(config.dynamic_convolutions)
    taps = config.kernel_groups * config.kernel_size**2
    return max(
        (config.kernel_channels + convolutions * taps + 2 * config.encoder_channels[level])
        / (config.stem_stride * 2**level) ** 2
        for level, convolutions in enumerate(config.dynamic_convolutions, start=first)
    )
