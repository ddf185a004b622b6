"""The terms that training minimises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from stylekernel_hf.metrics.distances import (
    content_structure,
    statistics_distance,
    structure_distance,
    style_statistics,
)
from stylekernel_hf.metrics.perceptual import FEATURE_LAYERS, PerceptualNetwork
from stylekernel_hf.training.local_losses import (
    PATTERN_LAYERS,
    local_loss,
    near_loss,
    pattern_loss,
)
from stylekernel_hf.training.setting_checks import make_plain
from stylekernel_hf.training.targets import StyleTargets, features_at

# Cells whose mean colours the smoothness compares: their side in px, how far apart, in cells, and
# the root mean square difference of RGB from which on the photo's differ.
_CELL, _APART, _ALIKE = 16, (1, 2), 0.03


@dataclass(frozen=True)
class LossWeights:
    """What each term counts in the sum; every term is free of scale, about 1 for a bad result.

    A term of weight 0 is not computed. `style`, `coarse_style` and `color` compare statistics of
    the whole picture; `pattern`, `near`, `local` and `attention` reward what differs from place to
    place; `smoothness` holds plain areas together; `temporal` compares results of one frame and the
    next.
    """

    content: float = 1.0
    style: float = 20.0
    color: float = 2.0
    identity: float = 4.0
    coarse_style: float = 0.0
    pattern: float = 0.0
    near: float = 0.0
    local: float = 0.0
    attention: float = 0.0
    smoothness: float = 0.0
    temporal: float = 0.0

    def __post_init__(self) -> None:
        make_plain(self, suffix="_weight")
        for field in fields(self):
            if getattr(self, field.name) < 0:
                raise ValueError(
                    f"{field.name}_weight must be at least 0, got {getattr(self, field.name)}"
                )

    @property
    def coarse_layers(self) -> int:
        """How many of the perceptual features are needed of pictures in half or a quarter."""
        if self.coarse_style:
            return len(FEATURE_LAYERS)
        return PATTERN_LAYERS if self.pattern else 0

    @property
    def need_style_features(self) -> bool:
        """Whether the statistics of the styles do not suffice."""
        return bool(self.pattern or self.near or self.local or self.attention)


def stylization_losses(
    perceptual: PerceptualNetwork,
    stylized: Float[Tensor, "b 3 h w"],
    structure: Sequence[Tensor],
    targets: StyleTargets,
    style: Float[Tensor, "b 3 s s"],
    generator: torch.Generator,
    weights: LossWeights,
) -> dict[str, Tensor]:
    """Return the terms that compare results with contents and styles, each a mean over the batch.

    `structure` is the `content_structure` of the contents. Pictures are compared in the sizes
    that `targets` holds; in their own alone, there is no coarse style.
    """
    features = features_at(perceptual, stylized, [len(view) for view in targets.statistics])
    statistics = [
        statistics_distance(style_statistics(ours), theirs).mean()
        for ours, theirs in zip(features, targets.statistics, strict=True)
    ]
    terms = {
        "content": structure_distance(content_structure(features[0]), structure).mean(),
        "style": statistics[0],
        "color": color_loss(stylized, style, generator),
    }
    if weights.coarse_style and statistics[1:]:
        terms["coarse_style"] = torch.stack(statistics[1:]).mean()
    if weights.pattern:
        ours, theirs = _early(features), _early(targets.features)
        terms["pattern"] = pattern_loss(ours, theirs, generator)
    if weights.near:
        terms["near"] = near_loss(features[0], targets.features[0], generator)
    if weights.local:
        terms["local"] = local_loss(features[0][3:], structure, targets.features[0][3:])
    return terms


def _early(views: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    return [layer for layers in views for layer in layers[:PATTERN_LAYERS]]


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


def smoothness_losses(
    stylized: Float[Tensor, "b 3 h w"],
    content: Float[Tensor, "b 3 h w"],
    style: Float[Tensor, "b 3 s s"],
) -> Float[Tensor, " b"]:
    """Score changes of tone in what is plain in the content, such as streaks beside edges.

    The edge-aware smoothness of Godard et al. (CVPR 2017), of the mean colours of cells of 16 px:
    the squared difference of cells that are one or two apart, down and across, weighed by how alike
    they are in the content, relative to that in the style without weights: 1 for results that are
    as restless where the content is plain as the style is everywhere. Strokes, which are finer than
    a cell, do not count.
    """
    ours = theirs = stylized.new_zeros(len(stylized), dtype=torch.float32)
    allowed: list[Tensor] = []
    for changes, edges, styles in zip(
        *(_cell_changes(x) for x in (stylized, content, style)), strict=True
    ):
        alike = torch.exp(-edges / (2 * _ALIKE**2))
        ours = ours + (alike * changes).sum(dim=(1, 2))
        theirs = theirs + alike.sum(dim=(1, 2))
        if styles.numel():  # Small crops have no cells that are far apart.
            allowed.append(styles.mean(dim=(1, 2)))
    spread = torch.stack(allowed).mean(dim=0) if allowed else 0.0
    return ours / theirs.clamp(min=1) / (spread + 1e-3)


def _cell_changes(image: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
    """Return the mean squared differences of cells, for each distance down and across."""
    cells = torch.nn.functional.avg_pool2d(image.float(), _CELL)
    changes: list[Tensor] = []
    for apart in _APART:
        changes.append(cells[:, :, apart:] - cells[:, :, :-apart])
        changes.append(cells[..., apart:] - cells[..., :-apart])
    return [each.square().mean(dim=1) for each in changes]


def temporal_losses(
    moved: Float[Tensor, "b 3 h w"],
    following: Float[Tensor, "b 3 h w"],
    seen: Bool[Tensor, "b h w"],
    style: Float[Tensor, "b 3 s s"],
) -> Float[Tensor, " b"]:
    """Compare the results of next frames with those of the frames before, moved as their contents.

    Mean squared error of the pixels that are `seen` in both, which is the warping error of
    `metrics.temporal`, relative to twice the variance of the style's colours: 1 for results that
    have the style's colours and nothing in common.
    """
    error = (following.float() - moved).square().mean(dim=1) * seen
    spread = 2 * style.var(dim=(2, 3)).mean(dim=1) + 0.01
    return error.sum(dim=(1, 2)) / seen.sum(dim=(1, 2)).clamp(min=1) / spread
