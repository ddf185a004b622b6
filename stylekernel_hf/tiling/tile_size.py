"""The side of a tile: checked, or chosen by the memory of the device."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from stylekernel_hf.errors.given_values import plain_number, shown
from stylekernel_hf.model.style_kernel import BORDER_MARGIN, StyleKernelNetwork
from stylekernel_hf.tiling.receptive_field import full_reach

MIN_TILE_SIZE = 64
WORKING_MEMORY = 512 * 2**20
"""Bytes that the network may use at once; on CUDA, half of the free memory instead."""

# Peak memory as a multiple of one activation of every stage of the content encoder, measured with
# the preset small at a strength of 0.5.
_LIVE_ACTIVATIONS = 5


def check_tile_size(tile_size: object, model: StyleKernelNetwork) -> int | None:
    """Return a tile size as a plain integer, or None for automatic; TypeError or ValueError."""
    if tile_size is None:
        return None
    side = plain_number(tile_size)
    if not isinstance(side, int):
        raise TypeError(f"tile_size must be an integer or None, got {type(tile_size).__name__}")
    if side < MIN_TILE_SIZE or side % model.stride:
        raise ValueError(
            f"tile_size must be a multiple of {model.stride} px and at least {MIN_TILE_SIZE}, "
            f"got {shown(side)}"
        )
    return side


def choose_tile_size(model: StyleKernelNetwork, height: int, width: int) -> int | None:
    """Return the side of tiles for a picture of this size, or None where it fits in one piece."""
    pixels = working_memory(model.device) // _bytes_per_pixel(model)
    if (height + 2 * BORDER_MARGIN) * (width + 2 * BORDER_MARGIN) <= pixels:
        return None
    side = math.isqrt(pixels) - 2 * full_reach(model)
    return largest_tile_size(side, model)


def largest_tile_size(side: int, model: StyleKernelNetwork) -> int:
    """Return the largest valid tile size of at most `side` px, or the smallest valid one."""
    smallest = -(-MIN_TILE_SIZE // model.stride) * model.stride
    return max(smallest, side // model.stride * model.stride)


def working_memory(device: torch.device) -> int:
    """Return how many bytes the network may use at once."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] // 2
    return WORKING_MEMORY


def values_per_pixel(model: StyleKernelNetwork, channels: Sequence[int]) -> list[float]:
    """Return the number of values per pixel of each stage of an encoder, finest first."""
    stride = model.config.stem_stride
    return [width / (stride * 2**level) ** 2 for level, width in enumerate(channels)]


def _bytes_per_pixel(model: StyleKernelNetwork) -> int:
    values = sum(values_per_pixel(model, model.config.encoder_channels))
    return math.ceil(values * _LIVE_ACTIVATIONS * model.dtype.itemsize)
