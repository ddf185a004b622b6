"""Content-based Gating Modulation (CGM): the content sets a threshold for the attention.

Our reading, because the paper leaves the threshold's form open: after DAGL (Mou et al., ICCV 2021),
pixel i keeps the style tokens j whose score exceeds threshold_i = gamma_i * mean_j(score_ij) +
beta_i. That needs no matrix of all pixels by all tokens. `ops.gated_attention` applies it.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class ContentGating(nn.Module):
    """Predicts gamma and beta of the threshold of every pixel from the content feature Zc."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.threshold = nn.Conv2d(channels, 2, 1)
        nn.init.zeros_(self.threshold.weight)
        assert self.threshold.bias is not None
        # gamma = 1, beta = -0.5: at first about two thirds of unit-variance scores pass.
        self.threshold.bias.data.copy_(torch.tensor([1.0, -0.5]))

    def forward(
        self, content: Float[Tensor, "b c h w"]
    ) -> tuple[Float[Tensor, "b n 1"], Float[Tensor, "b n 1"]]:
        """Return gamma and beta of every pixel, pixels in row-major order."""
        gamma, beta = self.threshold(content).flatten(2).unsqueeze(3).unbind(1)
        return gamma, beta
