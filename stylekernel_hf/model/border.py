"""The border of a feature map, where a convolution has seen the zeros around it."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def renew_border(features: Float[Tensor, "b c h w"], width: int) -> Float[Tensor, "b c h w"]:
    """Replace the outer `width` rows and columns by copies of the ones next to them.

    After a convolution with zero padding these are the ones that the padding reached. Left as they
    are, every further convolution carries the zeros inwards: with the preset small, bands of wrong
    colours 50 px wide. Copied, the picture seems to go on as it ends, as with replicate padding,
    without the copy of the whole map that this takes. Changes `features` itself where no gradients
    are asked for.
    """
    if width == 0 or min(features.shape[2:]) <= 2 * width:
        return features  # Nothing was reached, or everything.
    # A compiler makes nothing good of changes in place.
    graded = torch.is_grad_enabled() and features.requires_grad
    if graded or torch.compiler.is_compiling():
        inside = features[..., width:-width, width:-width]
        return torch.nn.functional.pad(inside, (width,) * 4, mode="replicate")
    features[..., :width, :] = features[..., width : width + 1, :]
    features[..., -width:, :] = features[..., -width - 1 : -width, :]
    features[..., :width] = features[..., width : width + 1]
    features[..., -width:] = features[..., -width - 1 : -width]
    return features
