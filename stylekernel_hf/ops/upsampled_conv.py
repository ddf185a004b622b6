"""A 3x3 convolution of features upsampled twofold, without the upsampled features."""

from __future__ import annotations

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.ops.border import replicate_border

# Row p, a, u: the share of coarse pixel i - 1 + a in the fine pixel 2i + p - 1 + u, bilinearly.
_SHARES = (
    ((0.75, 0.25, 0.0), (0.25, 0.75, 0.75), (0.0, 0.0, 0.25)),
    ((0.25, 0.0, 0.0), (0.75, 0.75, 0.25), (0.0, 0.25, 0.75)),
)


def upsampled_conv2d_reference(
    features: Float[Tensor, "b i h w"],
    weight: Float[Tensor, "o i 3 3"],
    bias: Float[Tensor, " o"],
) -> Float[Tensor, "b o 2*h 2*w"]:
    """Upsample bilinearly by 2, convolve, and replicate the border of 2 px."""
    fine = torch.nn.functional.interpolate(
        features, scale_factor=2.0, mode="bilinear", align_corners=False
    )
    return replicate_border(torch.conv2d(fine, weight, bias, padding=1), 2)


def upsampled_conv2d(
    features: Float[Tensor, "b i h w"],
    weight: Float[Tensor, "o i 3 3"],
    bias: Float[Tensor, " o"],
) -> Float[Tensor, "b o 2*h 2*w"]:
    """Compute the same from coarse features of at least 3 px a side; returns channels last.

    Each of the four fine pixels in a coarse one sees three by three coarse pixels at most, so one
    3x3 convolution of the coarse features gives all four: as many multiplications, a fraction of
    the memory traffic.
    """
    phases = (weight.flatten(2) @ _shares(weight.device, weight.dtype)).to(features.dtype)
    # For the four phases, (b, 2, 2 o) to (b, h, 2, w, 2, o) later: the channels come last.
    phases = phases.unflatten(2, (4, 3, 3)).permute(2, 0, 1, 3, 4).flatten(0, 1)
    phases = phases.contiguous(memory_format=torch.channels_last)
    fine = torch.conv2d(features, phases, bias.repeat(4).to(features.dtype), padding=1)
    batch, _, height, width = fine.shape
    rows = fine.permute(0, 2, 3, 1).reshape(batch, height, width, 2, -1).transpose(2, 3)
    fine = rows.reshape(batch, 2 * height, 2 * width, -1).permute(0, 3, 1, 2)
    # Zeros around the coarse features, in place of repeated pixels, have reached 2 fine pixels.
    return replicate_border(fine, 2)


@lru_cache
def _shares(device: torch.device, dtype: torch.dtype) -> Float[Tensor, "9 36"]:
    """Return the products of the shares of both axes, from u, v to p, q, a, b.

    They are kept on their device, because a GPU would wait for the copy at every call.
    """
    with torch.inference_mode(False):
        shares = torch.tensor(_SHARES, dtype=torch.float64)
        products = torch.einsum("pau,qbv->uvpqab", shares, shares)
        return products.reshape(9, 36).to(dtype).to(device)
