"""Terms that reward a result for looking where it paints: marks, places and attention."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

_EPSILON = 1e-6

# relu1_1 and relu2_1 of FEATURE_LAYERS, whose 3x3 neighbourhoods are the marks.
PATTERN_LAYERS = 2
# Directions that a step looks along, neighbourhoods down and across, and quantiles of them.
_DIRECTIONS, _NEIGHBOURHOODS, _QUANTILES = 8, 48, 512

# relu3_1, relu4_1 and relu5_1: the places that are compared one by one, so many of a layer.
_FIRST_NEAR_LAYER = 2
_PLACES = 576

# The attended style looks at every n-th place down and across of a style with more places a side.
_ATTENDED_SIDE = 32

# How sharply the perceptual attention looks: cosine similarities, -1 to 1, times this.
SHARPNESS = 20.0


def pattern_loss(
    features: Sequence[Tensor], style_features: Sequence[Tensor], generator: torch.Generator
) -> Float[Tensor, ""]:
    """Compare the marks: the sliced Wasserstein distance of 3x3 neighbourhoods of early features.

    Mean over the layers of d / (d + v): d is the mean squared difference of the quantiles along
    random directions (Heitz et al., CVPR 2021), drawn anew at every call, and v the variance of the
    painting's. Small d / v are what `metrics.pattern.pattern_distance` measures along fixed
    directions; large ones, of nearly flat paintings, stay below 1 and drown no other pair.
    """
    layers = [
        _sliced_distance(ours, theirs, generator)
        for ours, theirs in zip(features, style_features, strict=True)
    ]
    return torch.stack(layers).mean()


def _sliced_distance(
    ours: Float[Tensor, "b c h w"], theirs: Float[Tensor, "b c s t"], generator: torch.Generator
) -> Float[Tensor, ""]:
    axes = torch.randn(_DIRECTIONS, ours.shape[1], 3, 3, generator=generator)
    axes = axes / axes.flatten(1).norm(dim=1)[:, None, None, None]
    a, b = (_quantiles(x, axes.to(x), generator) for x in (ours, theirs))
    spread = (b - b.mean(dim=2, keepdim=True)).square().mean(dim=(1, 2))
    distance = (a - b).square().mean(dim=(1, 2))
    return (distance / (distance + spread + _EPSILON)).mean()


def _quantiles(
    features: Float[Tensor, "b c h w"],
    axes: Float[Tensor, "a c 3 3"],
    generator: torch.Generator,
) -> Float[Tensor, "b a q"]:
    """Return the quantiles of the neighbourhoods along each axis, on a grid of random offset."""
    stride = max(1, min(features.shape[2:]) // _NEIGHBOURHOODS)
    down, across = torch.randint(stride, (2,), generator=generator).tolist()
    projected = functional.conv2d(features[:, :, down:, across:], axes, stride=stride)
    ordered = projected.flatten(2).float().sort(dim=2).values
    middles = (torch.arange(_QUANTILES, device=ordered.device) + 0.5) / _QUANTILES
    places = middles * (ordered.shape[2] - 1)
    low = places.floor().long()
    high = (low + 1).clamp(max=ordered.shape[2] - 1)
    return torch.lerp(ordered[:, :, low], ordered[:, :, high], places - low)


def near_loss(
    features: Sequence[Tensor], style_features: Sequence[Tensor], generator: torch.Generator
) -> Float[Tensor, ""]:
    """Compare places: the relaxed earth mover's distance of STROTSS (Kolkin et al., CVPR 2019).

    Takes the five features of FEATURE_LAYERS. Mean over relu3_1, relu4_1 and relu5_1 of
    max(mean_i min_j d_ij, mean_j min_i d_ij), where d_ij is the cosine distance of place i of the
    result and place j of the painting, both less the painting's mean; places are drawn at random
    where a layer has many. It is what `metrics.near.nearness` measures on a grid.
    """
    layers: list[Tensor] = []
    for ours, theirs in zip(
        features[_FIRST_NEAR_LAYER:], style_features[_FIRST_NEAR_LAYER:], strict=True
    ):
        a, b = (_some_places(x, generator) for x in (ours, theirs))
        middle = b.mean(dim=1, keepdim=True)
        a, b = (functional.normalize(x - middle, dim=2) for x in (a, b))
        distances = 1 - (a @ b.transpose(1, 2)).float()
        there, back = distances.amin(dim=2).mean(dim=1), distances.amin(dim=1).mean(dim=1)
        layers.append(torch.maximum(there, back).mean())
    return torch.stack(layers).mean()


def _some_places(
    features: Float[Tensor, "b c h w"], generator: torch.Generator
) -> Float[Tensor, "b n c"]:
    rows = features.flatten(2).transpose(1, 2).float()
    if rows.shape[1] <= _PLACES:
        return rows
    chosen = torch.randperm(rows.shape[1], generator=generator)[:_PLACES]
    return rows[:, chosen.to(rows.device)]


def local_loss(
    features: Sequence[Tensor], structure: Sequence[Tensor], style_features: Sequence[Tensor]
) -> Float[Tensor, ""]:
    """Compare with what attention makes of the painting's features, place by place.

    Takes relu4_1 and relu5_1, of the contents their `content_structure`. Mean over them of the
    mean squared error relative to `attended_style`, divided by that one's variance (the local
    feature loss of AdaAttN, Liu et al., ICCV 2021).
    """
    layers: list[Tensor] = []
    for ours, content, theirs in zip(features, structure, style_features, strict=True):
        target = attended_style(content, theirs)
        error = (ours.float() - target).square().mean(dim=(1, 2, 3))
        layers.append((error / (target.var(dim=(1, 2, 3)) + _EPSILON)).mean())
    return torch.stack(layers).mean()


@torch.no_grad()
def attended_style(
    content: Float[Tensor, "b c h w"], style: Float[Tensor, "b c s t"]
) -> Float[Tensor, "b c h w"]:
    """Give a normalised content feature the mean and deviation that attention finds in the style.

    Both are over places of the style, weighed by how alike they are to the place of the content
    (Liu et al., ICCV 2021). Of a large style, every second or third place down and across will do.
    """
    # About the mean of all places: products in bfloat16 lose less then.
    middle = style.float().mean(dim=(2, 3))[:, None]
    stride = -(-min(style.shape[2:]) // _ATTENDED_SIDE)
    normalised, some = (
        x[:, :, ::stride, ::stride] for x in (functional.instance_norm(style.float()), style)
    )
    weights = perceptual_attention(content, normalised)
    values = some.float().flatten(2).transpose(1, 2) - middle
    mean = (weights @ values).float()
    deviation = ((weights @ values.square()).float() - mean.square()).clamp(min=0).sqrt()
    place = content.float().flatten(2).transpose(1, 2)
    return (deviation * place + mean + middle).transpose(1, 2).unflatten(2, content.shape[2:])


def perceptual_attention(
    content: Float[Tensor, "b c h w"], style: Float[Tensor, "b c s t"]
) -> Float[Tensor, "b n m"]:
    """Return how much each place of a content feature looks at each of the style's.

    Both features are normalised. A softmax over their cosine similarities times SHARPNESS.
    """
    a, b = (functional.normalize(x.float().flatten(2), dim=1) for x in (content, style))
    return ((a.transpose(1, 2) @ b).float() * SHARPNESS).softmax(dim=2)


def attention_loss(
    query: Float[Tensor, "b n d"], key: Float[Tensor, "b m d"], wanted: Float[Tensor, "b n m"]
) -> Float[Tensor, ""]:
    """Return the Kullback-Leibler divergence of the network's attention from `wanted`, in nats."""
    scores = (query @ key.transpose(1, 2)).float() * key.shape[2] ** -0.5
    return functional.kl_div(scores.log_softmax(dim=2), wanted, reduction="none").sum(2).mean()
