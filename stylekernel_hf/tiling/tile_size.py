"""The side of a tile, chosen by the memory of the device."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from stylekernel_hf.model.style_kernel import BORDER_MARGIN, StyleKernelNetwork
from stylekernel_hf.tiling.receptive_field import full_reach
from stylekernel_hf.tiling.tile_side import largest_tile_size

WORKING_MEMORY = 512 * 2**20
"""Bytes that the network may use at once; on CUDA, half of the free memory instead."""

# Peak memory as a multiple of one activation of every stage of the content encoder, measured with
# the preset small at a strength of 0.5.
_LIVE_ACTIVATIONS = 5


def choose_tile_size(model: StyleKernelNetwork, height: int, width: int) -> int | None:
    """Return the side of tiles for a picture of this size, or None where it fits in one piece."""
    pixels = working_memory(model.device) // _bytes_per_pixel(model)
    if (height + 2 * BORDER_MARGIN) * (width + 2 * BORDER_MARGIN) <= pixels:
        return None
    side = math.isqrt(pixels) - 2 * full_reach(model.config)
    return largest_tile_size(side, model.stride)


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
