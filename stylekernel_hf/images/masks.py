"""Masks: where each style is applied, and where the photo stays."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.images.bounds import MAX_DECODED_PIXELS, Bounds
from stylekernel_hf.images.tensors import ImageInput, to_rgb_tensor, unit_floats

# Below this sum of all masks, their quotients are rounding errors.
_EPSILON = 1e-6
_ROWS = 256


def read_mask(mask: ImageInput, size: tuple[int, int], *, name: str) -> Float[Tensor, "1 1 h w"]:
    """Read a mask and scale it to (height, width): 1 where it is white, 0 where it is black.

    Colours count by the mean of red, green and blue; transparent pixels count as black. A map of
    numbers is a mask too: an HxWx1 array or a 1xHxW tensor in [0, 1].
    """
    bounds = Bounds(max(MAX_DECODED_PIXELS, math.prod(size)), needed_side=max(size))
    rgb, alpha = to_rgb_tensor(mask, name=name, keep_bytes=True, bounds=bounds)
    # In parts: three channels of floats take twelve times the memory of 8-bit grey.
    grey = torch.cat([unit_floats(rows).mean(1, True) for rows in rgb.split(_ROWS, dim=2)], dim=2)
    grey = grey if alpha is None else grey * unit_floats(alpha)
    if grey.shape[2:] != size:
        grey = torch.nn.functional.interpolate(
            grey, size, mode="bilinear", antialias=True, align_corners=False
        )
    return grey.clamp(0, 1)


def share_out(
    masks: Sequence[Float[Tensor, "1 1 h w"]],
) -> tuple[Float[Tensor, "1 n h w"], Float[Tensor, "1 1 h w"]]:
    """Return each style's share of a pixel, summing to one, and the masked part of the pixel.

    Overlapping masks share a pixel in proportion. Where all masks are black, shares are equal and
    the masked part is 0, so that the photo stays.
    """
    stacked = torch.cat(list(masks), dim=1)
    total = stacked.sum(dim=1, keepdim=True)
    even = torch.full_like(stacked, 1 / len(masks))
    shares = torch.where(total > _EPSILON, stacked / total.clamp_min(_EPSILON), even)
    return shares, total.clamp(0, 1)
