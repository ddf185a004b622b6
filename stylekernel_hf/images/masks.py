"""Masks: which style goes where, and where the photo stays."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.images.bounds import MAX_DECODED_PIXELS, Bounds
from stylekernel_hf.images.tensors import ImageInput, to_rgb_tensor, unit_floats

# Where all masks together are less than this, their quotients mean nothing.
_EPSILON = 1e-6
_ROWS = 256


def read_mask(mask: ImageInput, size: tuple[int, int], *, name: str) -> Float[Tensor, "1 1 h w"]:
    """Return a mask of any size, scaled to (height, width): 1 where it is white, 0 where black.

    Greys, and the edges that scaling makes, lie in between. Of colours the mean of red, green and
    blue counts; what is transparent counts as black. A map of numbers is a mask too: an HxWx1
    array or a 1xHxW tensor in [0, 1].
    """
    bounds = Bounds(max(MAX_DECODED_PIXELS, math.prod(size)), needed_side=max(size))
    rgb, alpha = to_rgb_tensor(mask, name=name, keep_bytes=True, bounds=bounds)
    # A few rows at a time: the three channels as floats take twelve times a mask's bytes.
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
    """Return the share of each mask's style, summing to one, and how much of a pixel is masked.

    Where masks overlap, the pixel is shared in proportion. Where none reaches, the share is even
    and counts for nothing: the photo stays.
    """
    stacked = torch.cat(list(masks), dim=1)
    total = stacked.sum(dim=1, keepdim=True)
    even = torch.full_like(stacked, 1 / len(masks))
    shares = torch.where(total > _EPSILON, stacked / total.clamp_min(_EPSILON), even)
    return shares, total.clamp(0, 1)
