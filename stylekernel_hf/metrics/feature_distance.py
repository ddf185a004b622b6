"""A distance of pictures like LPIPS, without its learnt weights, on any perceptual network."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.metrics.perceptual import PerceptualNetwork

_EPSILON = 1e-10


@torch.no_grad()
def feature_distance(
    network: PerceptualNetwork, one: Float[Tensor, "1 3 h w"], other: Float[Tensor, "1 3 h w"]
) -> float:
    """Return the mean squared difference of features of unit length, summed over the levels.

    LPIPS (Zhang et al., 2018) weighs the channels by what people see; here all count alike. It is 0
    for the same picture, and not comparable between networks.

    Args:
        network: The feature network.
        one: A picture, RGB in [0, 1].
        other: Another of the same size.
    """
    total = 0.0
    for level, reference in zip(network(one), network(other), strict=True):
        difference = _unit(level) - _unit(reference)
        total += float(difference.square().sum(dim=1).mean())
    return total


def _unit(features: Float[Tensor, "1 c h w"]) -> Float[Tensor, "1 c h w"]:
    return features / (features.norm(dim=1, keepdim=True) + _EPSILON)
