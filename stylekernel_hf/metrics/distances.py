"""Scale-free distances between perceptual features, which training minimises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

# Keeps quotients finite for channels that are zero on the whole image.
EPSILON = 1e-6


def content_distance(
    features: Sequence[Tensor], content_features: Sequence[Tensor]
) -> Float[Tensor, " b"]:
    """Compare the structure of pictures: 0 for the same, 2 for unrelated structures.

    Mean over relu4_1 and relu5_1 of the mean squared error of the features, each channel of which
    is first normalised to zero mean and unit variance over the picture. Takes the five features
    of FEATURE_LAYERS and returns one value for each picture.
    """
    return structure_distance(content_structure(features), content_structure(content_features))


def content_structure(features: Sequence[Tensor]) -> list[Tensor]:
    """Return what `content_distance` compares, for reuse in many comparisons."""
    return [_normalise(layer.float()) for layer in features[3:]]


def structure_distance(
    structure: Sequence[Tensor], content_structure: Sequence[Tensor]
) -> Float[Tensor, " b"]:
    """Return the content distance of two results of `content_structure`."""
    distances = [
        (a - b).square().mean(dim=(1, 2, 3))
        for a, b in zip(structure, content_structure, strict=True)
    ]
    return torch.stack(distances).mean(dim=0)


def style_distance(
    features: Sequence[Tensor], style_features: Sequence[Tensor]
) -> Float[Tensor, " b"]:
    """Compare the channel statistics of pictures, whatever their layout: 0 for the same.

    Mean over relu1_1 ... relu5_1 of |m(a) - m(b)|^2 / |m(b)|^2, where m stacks the channel means
    and standard deviations over the picture; the two pictures may differ in size. Returns one
    value for each picture.
    """
    return statistics_distance(style_statistics(features), style_statistics(style_features))


def style_statistics(features: Sequence[Tensor]) -> list[Tensor]:
    """Return what `style_distance` compares, some kilobytes, for reuse in many comparisons."""
    return [moments(layer) for layer in features]


def statistics_distance(
    statistics: Sequence[Tensor], style_statistics: Sequence[Tensor]
) -> Float[Tensor, " b"]:
    """Return the style distance of two results of `style_statistics`."""
    distances: list[Tensor] = []
    for result, target in zip(statistics, style_statistics, strict=True):
        difference = (result - target).square().sum(dim=1)
        distances.append(difference / (target.square().sum(dim=1) + EPSILON))
    return torch.stack(distances).mean(dim=0)


def moments(features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 2*c"]:
    """Stack the mean and the standard deviation over the pixels of every channel, in float32."""
    return _Moments.apply(features)  # type: ignore[no-any-return]


class _Moments(torch.autograd.Function):
    """Mean and standard deviation with a one-pass gradient.

    Autograd would keep several float32 copies of the largest features, which costs more time than
    the convolutions that made them. The gradient is just a scale and a shift per channel.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        flat = features.flatten(2)
        mean = flat.mean(dim=2, keepdim=True, dtype=torch.float32)
        centred = flat - mean
        std = (centred.square_().mean(dim=2, keepdim=True) + EPSILON).sqrt()
        ctx.save_for_backward(features, mean, std)
        return torch.cat([mean, std], dim=1).squeeze(2)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor
    ) -> Tensor:
        features, mean, std = ctx.saved_tensors
        for_mean, for_std = gradients[0].unsqueeze(2).chunk(2, dim=1)
        pixels = features.shape[2] * features.shape[3]
        slope = for_std / (std * pixels)
        offset = for_mean / pixels - slope * mean
        slope, offset = (part.unsqueeze(3).to(features.dtype) for part in (slope, offset))
        return torch.addcmul(offset, features, slope)


def _normalise(features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    mean = features.mean(dim=(2, 3), keepdim=True)
    centred = features - mean
    variance = centred.square().mean(dim=(2, 3), keepdim=True)
    return centred / (variance + EPSILON).sqrt()
