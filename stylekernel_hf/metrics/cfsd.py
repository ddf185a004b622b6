"""Content feature structural distance (Chung et al., StyleID, CVPR 2024)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.metrics.perceptual import PerceptualNetwork

# relu3_1 is the third layer of FEATURE_LAYERS.
_LAYERS = 3
# Rows of the similarity matrix at a time: 16 MB each at 512 px, where the matrix has 16,384.
_ROWS = 256
# If the largest share of a row is above this on average, every place resembles only itself.
_DEGENERATE = 0.5


class ContentStructuralDistance:
    """CFSD between a result and its content: 0 if all places resemble the same other places.

    Every place of relu3_1 is compared with every other by the inner product of their features,
    each divided by the number of channels. A softmax over the places turns these similarities
    into a distribution, and the Kullback-Leibler divergences of the result's distributions from
    the content's are summed over all places, as the authors' code does. The sum depends on the
    number of pixels and on the scale of the features: compare it only at one size, and only with
    torchvision's VGG-19.
    """

    def __init__(self, network: PerceptualNetwork) -> None:
        self.network = network

    @torch.no_grad()
    def __call__(
        self, result: Float[Tensor, "1 3 h w"], content: Float[Tensor, "1 3 h w"]
    ) -> float:
        """Compare two RGB pictures in [0, 1] of the same size, on the network's device.

        Raises ValueError if the features of the network are too large for the metric to have a
        meaning.
        """
        features = [self.network(x, layers=_LAYERS)[-1][0] for x in (result, content)]
        return structural_divergence(*features)


def structural_divergence(
    features: Float[Tensor, "c h w"], content_features: Float[Tensor, "c h w"]
) -> float:
    """Sum KL(content || result) of the distributions of similarity over all places.

    Raises ValueError where the content's places resemble only themselves.
    """
    points, content_points = (
        x.flatten(1).T.contiguous() / x.shape[0] for x in (features, content_features)
    )
    total = largest = 0.0
    for row in range(0, len(points), _ROWS):
        content_logits = content_points[row : row + _ROWS] @ content_points.T
        shares = content_logits.softmax(dim=1)
        logits = points[row : row + _ROWS] @ points.T
        total += _divergence(shares, logits - content_logits).sum().item()
        largest += shares.amax(dim=1).sum().item()
    if largest > _DEGENERATE * len(points):
        raise ValueError(
            "cfsd needs VGG-19 with torchvision's weights: with the given perceptual network, "
            f"every place resembles only itself (its root mean square is "
            f"{content_features.square().mean().sqrt().item():.0f} at relu3_1)"
        )
    return total


def _divergence(
    shares: Float[Tensor, "r n"], difference: Float[Tensor, "r n"]
) -> Float[Tensor, " r"]:
    """KL(p || q) from p and d, the logits of q minus those of p: log(sum p e^d) - sum p d."""
    centred = difference - (shares * difference).sum(dim=1, keepdim=True)
    if centred.amax() < 1:
        # The usual case, nearly flat distributions, in a form without cancellation: in float32 the
        # difference of two logarithms would be mostly rounding error.
        return (shares * (centred.expm1() - centred)).sum(dim=1).log1p()
    return (shares.log() + centred).logsumexp(dim=1)
