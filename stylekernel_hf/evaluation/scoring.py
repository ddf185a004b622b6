"""Scoring of results one by one, and their summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from PIL import Image
from torch import Tensor, nn

from stylekernel_hf.metrics.frechet import art_fid, frechet_distance
from stylekernel_hf.metrics.pair_metrics import (
    ContentMeasure,
    Metrics,
    ScoredPicture,
    compare,
    mean_metrics,
    with_extra,
)
from stylekernel_hf.metrics.perceptual import PerceptualNetwork


@dataclass(frozen=True)
class Scorer:
    """Scores pictures by features, further measures, and a network for FID."""

    network: PerceptualNetwork
    measures: Mapping[str, ContentMeasure]
    inception: nn.Module | None

    def read(self, image: Image.Image) -> ScoredPicture:
        """Compute the features of an RGB picture."""
        return ScoredPicture.read(image, self.network, self.inception)

    def score(self, result: ScoredPicture, content: ScoredPicture, style: ScoredPicture) -> Metrics:
        """Compute every metric of one result."""
        return with_extra(compare(result, content, style), self.measure(result, content))

    def measure(self, result: ScoredPicture, content: ScoredPicture) -> dict[str, float]:
        """Compute the further measures, which compare a result with its content."""
        return {name: score(result.rgb, content.rgb) for name, score in self.measures.items()}


@dataclass
class Tally:
    """The metrics of one candidate or baseline, pair by pair."""

    metrics: list[Metrics] = field(default_factory=list[Metrics])
    features: list[Tensor] = field(default_factory=list[Tensor])

    def add(self, metrics: Metrics, result: ScoredPicture) -> None:
        """Add one result."""
        self.metrics.append(metrics)
        if result.inception is not None:
            self.features.append(result.inception)

    def over_all(self, styles: Sequence[ScoredPicture]) -> dict[str, float]:
        """Compute the metrics of all results together: FID, and ArtFID if LPIPS is measured.

        `styles` are the styles of the results, one for each.
        """
        if not self.features:
            return {}
        given = [style.inception for style in styles if style.inception is not None]
        fid = frechet_distance(torch.cat(self.features), torch.cat(given))
        lpips = mean_metrics(self.metrics).extra.get("lpips")
        return {"fid": fid} | ({} if lpips is None else {"art_fid": art_fid(lpips, fid)})

    def summary(self, styles: Sequence[ScoredPicture]) -> Metrics:
        """Return the means over all results, and the metrics of all results together."""
        return with_extra(mean_metrics(self.metrics), self.over_all(styles))
