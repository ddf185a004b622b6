"""The terms that training minimises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.metrics.distances import (
    content_structure,
    statistics_distance,
    structure_distance,
    style_statistics,
)
from stylekernel_hf.metrics.perceptual import PerceptualNetwork
from stylekernel_hf.training.setting_checks import make_plain


@dataclass(frozen=True)
class LossWeights:
    """What each term counts in the sum; every term is free of scale, about 1 for a bad result."""

    content: float = 1.0
    style: float = 20.0
    color: float = 2.0
    identity: float = 4.0

    def __post_init__(self) -> None:
        make_plain(self, suffix="_weight")


def stylization_losses(
    perceptual: PerceptualNetwork,
    stylized: Float[Tensor, "b 3 h w"],
    structure: Sequence[Tensor],
    statistics: Sequence[Tensor],
    style: Float[Tensor, "b 3 s s"],
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Return the content, style and color terms, each a mean over the batch.

    `structure` is the `content_structure` of the contents, `statistics` the `style_statistics`
    of the styles.
    """
    features = perceptual(stylized)
    return {
        "content": structure_distance(content_structure(features), structure).mean(),
        "style": statistics_distance(style_statistics(features), statistics).mean(),
        "color": color_loss(stylized, style, generator),
    }


def color_loss(
    stylized: Float[Tensor, "b 3 h w"],
    style: Float[Tensor, "b 3 s s"],
    generator: torch.Generator,
    *,
    directions: int = 16,
    side: int = 32,
) -> Tensor:
    """Compare the palettes: sliced Wasserstein distance of the colours of side x side thumbnails.

    Both sets of colours are projected on random directions and sorted, which keeps flat prints
    from getting colours that lie between theirs (Rabin et al., 2011). The value is relative to
    the spread of the style's colours along each direction, plus a constant for flat styles.
    """
    pool = torch.nn.functional.adaptive_avg_pool2d
    axes = torch.randn(directions, 3, generator=generator).to(style.device)
    axes = axes / axes.norm(dim=1, keepdim=True)
    ours, theirs = (
        torch.sort(_project(pool(image.float(), side), axes), dim=2).values
        for image in (stylized, style)
    )
    spread = theirs.var(dim=2) + 0.02
    return ((ours - theirs).square().mean(dim=2) / spread).mean()


def _project(
    image: Float[Tensor, "b 3 h w"], axes: Float[Tensor, "a 3"]
) -> Float[Tensor, "b a hw"]:
    # A sum of three products rather than a matrix product, which autocast would round to bfloat16.
    return (image.flatten(2)[:, None] * axes[None, :, :, None]).sum(dim=2)


def identity_losses(
    repainted: Float[Tensor, "b 3 h w"], image: Float[Tensor, "b 3 h w"]
) -> Float[Tensor, " b"]:
    """Score images repainted in their own style, which should come back unchanged.

    Mean squared error of the pixels of each, relative to the variance of the image's colours.
    """
    error = (repainted.float() - image).square().mean(dim=(1, 2, 3))
    return error / (image.var(dim=(2, 3)).mean(dim=1) + 0.01)
