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
    # A compiler makes nothing good of changes in place.
    graded = torch.is_grad_enabled() and features.requires_grad
    if graded or torch.compiler.is_compiling():
        inside = features[..., first : height - last, first : length - last]
        return torch.nn.functional.pad(inside, (first, last, first, last), mode="replicate")
    features[..., :first, :] = features[..., first : first + 1, :]
    features[..., :first] = features[..., first : first + 1]
    if last:
        features[..., -last:, :] = features[..., -last - 1 : -last, :]
        features[..., -last:] = features[..., -last - 1 : -last]
    return features
