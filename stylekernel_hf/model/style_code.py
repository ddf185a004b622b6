"""The style code: the global statistics of the style image in one vector.

Not in the paper. It modulates the decoder and sets the channel statistics of the content features,
which carries palette and contrast to the levels that have no dynamic kernels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stylekernel_hf.model.statistics import ChannelStatistics, channel_statistics


class StyleCode(nn.Module):
    """Maps the channel statistics of the style image and of its features to the code."""

    def __init__(self, channels: Sequence[int], code_channels: int) -> None:
        super().__init__()
        widths = (3, *channels)
        self.norms = nn.ModuleList(nn.LayerNorm(2 * width) for width in channels)
        self.layers = nn.Sequential(
            nn.Linear(2 * sum(widths), code_channels),
            nn.ReLU(),
            nn.Linear(code_channels, code_channels),
            nn.ReLU(),
            nn.Linear(code_channels, code_channels),
        )

    def forward(
        self, image: Float[Tensor, "b 3 h w"], features: Sequence[Tensor]
    ) -> Float[Tensor, "b e"]:
        """Return the code of a style image, RGB in [0, 1], with its features of every stage."""
        return self.summarise([channel_statistics(x) for x in (image, *features)], image.dtype)

    def summarise(
        self, statistics: Sequence[ChannelStatistics], dtype: torch.dtype
    ) -> Float[Tensor, "b e"]:
        """Return the code from the statistics of the image and of its features, in this order."""
        palette, *summaries = (torch.cat(x, dim=1).flatten(1).to(dtype) for x in statistics)
        parts = [norm(x) for norm, x in zip(self.norms, summaries, strict=True)]
        return self.layers(torch.cat([palette * 4 - 2, *parts], dim=1))
