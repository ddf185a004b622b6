"""The border of a feature map, where a convolution has seen the zeros around it."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def renew_border(
    features: Float[Tensor, "b c h w"], width: int, *, stride: int = 1
) -> Float[Tensor, "b c h w"]:
    """Replace the outer `width` rows and columns by copies of the ones next to them.

    After a convolution with zero padding these are the ones that the padding reached: with a
    `stride` of 2 over an even number of pixels, the first but not the last. Left as they are, every
    further convolution carries the zeros inwards: with the preset small, bands of wrong colours
    50 px wide. Copied, the picture seems to go on as it ends, as with replicate padding, without
    the copy of the whole map that this takes. Changes `features` itself where no gradients are
    asked for.
    """
    first, last = width, width if stride == 1 else 0
    height, length = features.shape[2:]
    if width == 0 or min(height, length) <= first + last:
        return features  # Nothing was reached, or everything.
    if torch.is_grad_enabled() and features.requires_grad:
        inside = features[..., first : height - last, first : length - last]
        return torch.nn.functional.pad(inside, (first, last, first, last), mode="replicate")
    for axis in (2, 3):
        _renew_lines(features, axis, first, last)
    return features


def _renew_lines(features: Float[Tensor, "b c h w"], axis: int, first: int, last: int) -> None:
    """Do so along one axis, on both sides in one operation: to start it costs more than to copy."""
    length, step = features.shape[axis], features.stride(axis)

    def lines(start: int, apart: int, width: int) -> Tensor:
        """Return `width` lines from `start` on, and as many again `apart` from these."""
        return features.as_strided(
            (*features.shape[:axis], 2 if last else 1, width, *features.shape[axis + 1 :]),
            (*features.stride()[:axis], apart * step, step, *features.stride()[axis + 1 :]),
            features.storage_offset() + start * step,
        )

    lines(0, length - last, first).copy_(lines(first, length - last - first - 1, 1))
