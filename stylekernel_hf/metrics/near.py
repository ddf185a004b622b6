"""Relaxed earth mover's distance between local features of a result and of the painting."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

# relu3_1, relu4_1 and relu5_1 of FEATURE_LAYERS.
_FIRST_LAYER = 2
# At most so many rows and columns of places are compared in each layer.
_PLACES = 32


def local_features(features: Sequence[Tensor]) -> list[Float[Tensor, "n c"]]:
    """Return what `nearness` compares: features at up to 32 x 32 places of each layer.

    The places are evenly spaced. Takes the five features of FEATURE_LAYERS of one picture.
    """
    return [_on_a_grid(layer[0]).float() for layer in features[_FIRST_LAYER:]]


def nearness(local: Sequence[Tensor], style_local: Sequence[Tensor]) -> float:
    """Return the relaxed earth mover's distance of two results of `local_features`.

    Mean over the layers of max(mean_i min_j d_ij, mean_j min_i d_ij), where d_ij is the cosine
    distance between place i of the result and place j of the painting, after subtracting the
    painting's mean from both (Kolkin et al., STROTSS, CVPR 2019). 0 if every place of each picture
    occurs in the other, about 1 for unrelated features.
    """
    layers = [_relaxed(a, b) for a, b in zip(local, style_local, strict=True)]
    return sum(layers) / len(layers)


def _relaxed(points: Float[Tensor, "n c"], style_points: Float[Tensor, "m c"]) -> float:
    middle = style_points.mean(dim=0)
    a, b = (torch.nn.functional.normalize(x - middle, dim=1) for x in (points, style_points))
    distances = 1 - a @ b.T
    there, back = distances.amin(dim=1).mean(), distances.amin(dim=0).mean()
    return float(torch.maximum(there, back))


def _on_a_grid(layer: Float[Tensor, "c h w"]) -> Float[Tensor, "n c"]:
    rows, columns = (
        torch.linspace(0, side - 1, min(side, _PLACES)).round().long() for side in layer.shape[1:]
    )
    return layer[:, rows.to(layer.device)][:, :, columns.to(layer.device)].flatten(1).T
