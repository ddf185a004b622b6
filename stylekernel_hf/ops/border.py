"""Replicated borders, so that zero padding never reaches the features."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def replicate_border_reference(
    features: Float[Tensor, "b c h w"], width: int, *, stride: int = 1
) -> Float[Tensor, "b c h w"]:
    """Crop the outer `width` rows and columns, and pad by replication to the same size.

    After a convolution with zero padding, the padding has reached exactly these; with a `stride`
    of 2 over an even number of pixels, only the first ones. A map too small to have any others is
    returned as it is.
    """
    first, last = width, width if stride == 1 else 0
    height, length = features.shape[2:]
    if width == 0 or min(height, length) <= first + last:
        return features
    inside = features[..., first : height - last, first : length - last]
    return torch.nn.functional.pad(inside, (first, last, first, last), mode="replicate")


def replicate_border(
    features: Float[Tensor, "b c h w"], width: int, *, stride: int = 1
) -> Float[Tensor, "b c h w"]:
    """Apply `replicate_border_reference`, in place where no gradients are needed.

    Without it, every further convolution carries the zeros inwards: with the preset small, bands of
    wrong colours 50 px wide. In place, only the border is written, not the whole map.
    """
    if torch.is_grad_enabled() and features.requires_grad:
        return replicate_border_reference(features, width, stride=stride)
    first, last = width, width if stride == 1 else 0
    height, length = features.shape[2:]
    if width == 0 or min(height, length) <= first + last:
        return features
    features[..., :first, :] = features[..., first : first + 1, :]
    features[..., :first] = features[..., first : first + 1]
    if last:
        features[..., height - last :, :] = features[..., height - last - 1 : height - last, :]
        features[..., length - last :] = features[..., length - last - 1 : length - last]
    return features
