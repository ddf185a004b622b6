"""Content-based Gating Modulation (CGM): attention that drops what the content has no use for."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

# Rows of the attention matrix that are held at once: memory grows with this times the tokens,
# never with the number of pixels times the tokens.
QUERY_CHUNK = 8192


class ContentGating(nn.Module):
    """Predicts from the content feature the two numbers that set each pixel's threshold.

    Our reading of the paper's dynamic threshold, after DAGL (Mou et al., ICCV 2021): pixel i
    keeps the style tokens j whose score exceeds `gamma_i * mean_j(score_ij) + beta_i`.
    """

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


def gated_attention(
    query: Float[Tensor, "b n d"],
    key: Float[Tensor, "#b m d"],
    value: Float[Tensor, "#b m v"],
    gamma: Float[Tensor, "b n 1"],
    beta: Float[Tensor, "b n 1"],
) -> Float[Tensor, "b n v"]:
    """Average `value` with weights ~ relu(score - threshold) * exp(score), normalised over tokens.

    The score is the scaled product of query and key. A row that is gated away altogether falls
    back to plain softmax, so that no pixel is left without a style.
    """
    if query.shape[1] <= QUERY_CHUNK:
        return gated_attention_weights(query, key, gamma, beta) @ value
    rows = (part.split(QUERY_CHUNK, dim=1) for part in (query, gamma, beta))
    return torch.cat(
        [gated_attention_weights(q, key, g, b) @ value for q, g, b in zip(*rows, strict=True)],
        dim=1,
    )


def gated_attention_weights(
    query: Float[Tensor, "b n d"],
    key: Float[Tensor, "#b m d"],
    gamma: Float[Tensor, "b n 1"],
    beta: Float[Tensor, "b n 1"],
) -> Float[Tensor, "b n m"]:
    """Return the attention after gating; every row is non-negative and sums to one."""
    score = (query * query.shape[-1] ** -0.5) @ key.transpose(1, 2)
    threshold = gamma * score.mean(dim=-1, keepdim=True) + beta
    softmax = score.softmax(dim=-1)
    gated = (score - threshold).relu() * softmax
    total = gated.sum(dim=-1, keepdim=True)
    alive = total > torch.finfo(torch.bfloat16).tiny
    return torch.where(alive, gated / total.where(alive, torch.ones_like(total)), softmax)


def share_let_through(
    query: Float[Tensor, "b n d"],
    key: Float[Tensor, "#b m d"],
    gamma: Float[Tensor, "b n 1"],
    beta: Float[Tensor, "b n 1"],
) -> Float[Tensor, "b n"]:
    """Return the share of the tokens above the threshold of each row: 0 if none are."""
    shares: list[Tensor] = []
    rows = (part.split(QUERY_CHUNK, dim=1) for part in (query, gamma, beta))
    for part, scale, offset in zip(*rows, strict=True):
        score = (part * part.shape[-1] ** -0.5) @ key.transpose(1, 2)
        threshold = scale * score.mean(dim=-1, keepdim=True) + offset
        shares.append((score > threshold).float().mean(dim=-1))
    return torch.cat(shares, dim=1)
