"""The figures of one result, and the features of a picture that they are computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from stylekernel_hf.image_processor import to_rgb_tensor
from stylekernel_hf.metrics.distances import (
    content_structure,
    statistics_distance,
    structure_distance,
    style_statistics,
)
from stylekernel_hf.metrics.perceptual import PerceptualNetwork
from stylekernel_hf.metrics.ssim import luminance_ssim


@dataclass(frozen=True)
class Figures:
    """How far a result is from its content and from its style."""

    content: float
    """`content_distance` to the content: 0 for the same structure, 2 for an unrelated one."""
    style: float
    """`style_distance` to the style: 0 for the same statistics of all features."""
    ssim: float
    """Structural similarity of luminance to the content: 1 for the same picture."""


@dataclass(frozen=True)
class ScoredPicture:
    """A picture with all that its comparison with others needs: 14 MB at 512 px with VGG-19."""

    rgb: Float[Tensor, "1 3 h w"]
    structure: list[Tensor]
    statistics: list[Tensor]

    @classmethod
    @torch.no_grad()
    def read(cls, image: Image.Image, network: PerceptualNetwork) -> ScoredPicture:
        """Compute the features of an RGB picture, on the device of `network`."""
        rgb, _ = to_rgb_tensor(image, name="image")
        rgb = rgb.to(next(network.parameters()).device)
        features = network(rgb)
        return cls(rgb, content_structure(features), style_statistics(features))


@torch.no_grad()
def compare(result: ScoredPicture, content: ScoredPicture, style: ScoredPicture) -> Figures:
    """Score a result against the content and the style that it was made from."""
    return Figures(
        content=structure_distance(result.structure, content.structure).item(),
        style=statistics_distance(result.statistics, style.statistics).item(),
        ssim=luminance_ssim(result.rgb, content.rgb).item(),
    )


def mean_figures(figures: Sequence[Figures]) -> Figures:
    """Average every figure."""
    return Figures(
        content=sum(each.content for each in figures) / len(figures),
        style=sum(each.style for each in figures) / len(figures),
        ssim=sum(each.ssim for each in figures) / len(figures),
    )


def figures_table(rows: Mapping[str, Figures]) -> str:
    """Write labelled figures as a Markdown table; its columns line up as plain text too."""
    width = max(len(label) for label in rows)
    lines = [f"| {'':{width}} | content |   style |    SSIM |"]
    lines.append(f"|:{'-' * width}-|--------:|--------:|--------:|")
    for label, each in rows.items():
        cells = f"{each.content:7.4f} | {each.style:7.4f} | {each.ssim:7.4f}"
        lines.append(f"| {label:{width}} | {cells} |")
    return "\n".join(lines) + "\n"
