"""The metrics of one result, and the features from which they are computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn

from stylekernel_hf.images.tensors import to_rgb_tensor
from stylekernel_hf.metrics.distances import (
    content_structure,
    statistics_distance,
    structure_distance,
    style_statistics,
)
from stylekernel_hf.metrics.near import local_features, nearness
from stylekernel_hf.metrics.pattern import neighbourhoods, pattern_distance
from stylekernel_hf.metrics.perceptual import PerceptualNetwork
from stylekernel_hf.metrics.ssim import luminance_ssim

ContentMeasure: TypeAlias = Callable[[Tensor, Tensor], float]
"""Scores a result against its content, both 1x3xhxw RGB in [0, 1]."""


@dataclass(frozen=True)
class Metrics:
    """Distances of a result from its content and from its style."""

    content: float
    """`content_distance` from the content: 0 for the same structure, 2 for an unrelated one."""
    style: float
    """`style_distance` from the style: 0 for the same statistics of all features."""
    ssim: float
    """Structural similarity to the content in luminance: 1 for the same picture."""
    extra: Mapping[str, float] = field(default_factory=dict[str, float])
    """Further metrics by name: near, pattern, alignment, cfsd, lpips; for the mean of many results
    also fid and art_fid."""

    def to_json(self) -> dict[str, float]:
        """Return every metric by its name."""
        named = {"content": self.content, "style": self.style, "ssim": self.ssim}
        return named | dict(self.extra)


@dataclass(frozen=True)
class ScoredPicture:
    """A picture with the features that the metrics compare."""

    rgb: Float[Tensor, "1 3 h w"]
    structure: list[Tensor]
    statistics: list[Tensor]
    local: list[Tensor]
    neighbourhoods: list[Tensor]
    inception: Float[Tensor, "1 d"] | None = None
    """Inception features for FID, if FID is computed."""

    @classmethod
    @torch.no_grad()
    def read(
        cls, image: Image.Image, network: PerceptualNetwork, inception: nn.Module | None = None
    ) -> ScoredPicture:
        """Compute the features of an RGB picture on the device of `network`.

        `inception` receives the picture in 8 bits.
        """
        rgb, _ = to_rgb_tensor(image, name="image")
        rgb = rgb.to(next(network.parameters()).device)
        features = network(rgb)
        return cls(
            rgb,
            content_structure(features),
            style_statistics(features),
            local_features(features),
            neighbourhoods(rgb, network),
            inception((rgb * 255).round().to(torch.uint8)) if inception else None,
        )


@torch.no_grad()
def compare(result: ScoredPicture, content: ScoredPicture, style: ScoredPicture) -> Metrics:
    """Score a result against the content and the style that it was made from."""
    return Metrics(
        content=structure_distance(result.structure, content.structure).item(),
        style=statistics_distance(result.statistics, style.statistics).item(),
        ssim=luminance_ssim(result.rgb, content.rgb).item(),
        extra={
            "near": nearness(result.local, style.local),
            "pattern": pattern_distance(result.neighbourhoods, style.neighbourhoods),
        },
    )


def mean_metrics(metrics: Sequence[Metrics]) -> Metrics:
    """Average every metric; all items must have the same extra metrics."""
    return Metrics(
        content=sum(each.content for each in metrics) / len(metrics),
        style=sum(each.style for each in metrics) / len(metrics),
        ssim=sum(each.ssim for each in metrics) / len(metrics),
        extra={
            name: sum(each.extra[name] for each in metrics) / len(metrics)
            for name in metrics[0].extra
        },
    )


def with_extra(metrics: Metrics, extra: Mapping[str, float]) -> Metrics:
    """Return the metrics with further ones."""
    return replace(metrics, extra={**metrics.extra, **extra})
