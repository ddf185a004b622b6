"""Feature maps with the pixels innermost, whatever their memory format."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

# Channels that one product brings in order: the more, the more it multiplies by zero.
_CHANNELS = 64


def rows_of_pixels(features: Float[Tensor, "b c h w"], margin: int = 0) -> Float[Tensor, "b c n"]:
    """Return the pixels row by row, with `margin` zeros before the first and after the last.

    On a CPU, channels-last features are multiplied by the identity, because a matrix product reads
    them three times as fast as a copy does. Without a margin the result may be a view.
    """
    batch, channels, height, width = features.shape
    pixels = features.flatten(2)
    if margin == 0 and pixels.is_contiguous():
        return pixels
    count = height * width
    rows = features.new_empty(batch, channels, count + 2 * margin)
    rows[..., :margin] = 0
    rows[..., margin + count :] = 0
    inside = rows[..., margin : margin + count]
    interleaved = features.is_contiguous(memory_format=torch.channels_last)
    if features.is_cpu and interleaved:
        identity = torch.eye(min(channels, _CHANNELS), dtype=features.dtype)
        for item, picture in enumerate(pixels):
            for start in range(0, channels, _CHANNELS):
                part = picture[start : start + _CHANNELS]
                one = identity[: len(part), : len(part)]
                torch.mm(one, part, out=inside[item, start : start + _CHANNELS])
    else:
        inside.copy_(pixels)
    return rows


def pointwise_rows(
    features: Float[Tensor, "b c h w"],
    weight: Float[Tensor, "o c 1 1"],
    bias: Float[Tensor, " o"],
) -> Float[Tensor, "b o h w"]:
    """Return what a 1x1 convolution gives, contiguous: with the pixels innermost.

    On a CPU a matrix product writes them in this order; a convolution would give channels-last
    features theirs, to be copied.
    """
    if not features.is_cpu:
        return torch.conv2d(features, weight, bias).contiguous()
    matrix = weight.flatten(1)
    rows = [torch.addmm(bias[:, None], matrix, picture.flatten(1)) for picture in features]
    one = rows[0][None] if len(rows) == 1 else torch.stack(rows)
    return one.unflatten(2, features.shape[2:])
