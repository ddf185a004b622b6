"""The style code: what a style image is like as a whole."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stylekernel_hf.model.statistics import ChannelStatistics, channel_statistics


class StyleCode(nn.Module):
    """Summarises the channel statistics of the style image and of its features in one vector."""

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
        """Return the code of RGB in [0, 1] and of the encoder's features of it."""
        return self.summarise([channel_statistics(x) for x in (image, *features)], image.dtype)

    def summarise(
        self, statistics: Sequence[ChannelStatistics], dtype: torch.dtype
    ) -> Float[Tensor, "b e"]:
        """Return the code of the statistics of the image and of its features."""
        palette, *summaries = (torch.cat(x, dim=1).flatten(1).to(dtype) for x in statistics)
        parts = [norm(x) for norm, x in zip(self.norms, summaries, strict=True)]
        return self.layers(torch.cat([palette * 4 - 2, *parts], dim=1))
