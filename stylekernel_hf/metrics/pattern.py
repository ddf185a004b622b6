"""Sliced Wasserstein distance between small neighbourhoods of a result and of the painting."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from stylekernel_hf.metrics.perceptual import PerceptualNetwork

# relu1_1 and relu2_1 of FEATURE_LAYERS, at full, half and quarter size.
_LAYERS = 2
_REDUCTIONS = (1, 2, 4)
_DIRECTIONS = 32
# About so many rows and columns of neighbourhoods are sampled, and so many quantiles are kept.
_PLACES, _QUANTILES = 128, 1024
_EPSILON = 1e-12


def neighbourhoods(
    image: Float[Tensor, "1 3 h w"], network: PerceptualNetwork
) -> list[Float[Tensor, "directions quantiles"]]:
    """Return what `pattern_distance` compares of one RGB picture in [0, 1].

    The 3x3 neighbourhoods of early features are projected on fixed random directions, and the
    quantiles of each projection are kept. Only their distribution counts, not their places.
    """
    quantiles: list[Tensor] = []
    for reduction in _REDUCTIONS:
        smaller = functional.avg_pool2d(image, reduction) if reduction > 1 else image
        quantiles += [_quantiles(layer) for layer in network(smaller, layers=_LAYERS)]
    return quantiles


def pattern_distance(result: Sequence[Tensor], style: Sequence[Tensor]) -> float:
    """Return the sliced Wasserstein distance of two results of `neighbourhoods`.

    Mean over layers and sizes of the mean squared difference of the quantiles over all directions
    (Heitz et al., CVPR 2021), divided by the variance of the painting's quantiles: 0 for the same
    brush marks, 1 for a distance as large as the painting's own spread.
    """
    layers: list[float] = []
    for a, b in zip(result, style, strict=True):
        spread = (b - b.mean(dim=1, keepdim=True)).square().mean()
        layers.append(float((a - b).square().mean() / (spread + _EPSILON)))
    return sum(layers) / len(layers)


def directions(channels: int) -> Float[Tensor, "directions channels 3 3"]:
    """Return fixed random unit vectors in the space of 3x3 neighbourhoods."""
    generator = torch.Generator().manual_seed(channels)
    drawn = torch.randn(_DIRECTIONS, channels, 3, 3, generator=generator)
    return drawn / drawn.flatten(1).norm(dim=1)[:, None, None, None]


def _quantiles(features: Float[Tensor, "1 c h w"]) -> Float[Tensor, "directions quantiles"]:
    stride = max(1, min(features.shape[2:]) // _PLACES)
    weight = directions(features.shape[1]).to(features)
    projected = functional.conv2d(features, weight, stride=stride)[0].flatten(1).float()
    ordered = projected.sort(dim=1).values
    # Linear interpolation between the ordered values, as torch.quantile does.
    middles = (torch.arange(_QUANTILES, device=ordered.device) + 0.5) / _QUANTILES
    places = middles * (ordered.shape[1] - 1)
    low = places.floor().long()
    return torch.lerp(ordered[:, low], ordered[:, low + 1], places - low)
