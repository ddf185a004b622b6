"""Style Alignment Encoding (SAE): for every content pixel, the style that suits it, Zcs.

Attention with q = Wq norm(Zc), k = Wk norm(Zs), v = Wv Zs, gated by the content (CGM, see
`content_gating`). Departures from the paper:

- Zs is averaged to at most `max_tokens` tokens, which bounds the cost for style images of any size.
- Without `gating` the attention is plain softmax, as in the paper's ablation; with one token, every
  pixel gets the mean of the style.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stylekernel_hf.model.content_gating import ContentGating
from stylekernel_hf.model.initialisation import start_linear
from stylekernel_hf.model.statistics import ChannelStatistics, normalise
from stylekernel_hf.model.token_grid import token_grid
from stylekernel_hf.ops.gated_attention import (
    gated_attention,
    gated_attention_weights,
    share_let_through,
)


class StyleAlignment(nn.Module):
    """Attention with the content feature Zc as query and the style feature Zs as key and value."""

    def __init__(
        self,
        content_channels: int,
        style_channels: int,
        *,
        attention_channels: int,
        max_tokens: int,
        gating: bool,
    ) -> None:
        super().__init__()
        self.max_tokens = max_tokens
        self.query = nn.Conv2d(content_channels, attention_channels, 1)
        self.key = nn.Conv2d(style_channels, attention_channels, 1)
        self.value = nn.Conv2d(style_channels, style_channels, 1)
        for layer in (self.query, self.key, self.value):
            start_linear(layer)
        self.gating = ContentGating(content_channels) if gating else None

    def encode_tokens(
        self, style: Float[Tensor, "b s h w"]
    ) -> tuple[Float[Tensor, "b m d"], Float[Tensor, "b m s"]]:
        """Return the keys k and values v of a style feature Zs, one per token."""
        size = token_grid(style.shape[2], style.shape[3], self.max_tokens)
        pool = nn.functional.adaptive_avg_pool2d
        key = self.key(pool(normalise(style), size))
        value = self.value(pool(style, size))
        return key.flatten(2).transpose(1, 2), value.flatten(2).transpose(1, 2)

    def encode_pooled(
        self, pooled: Float[Tensor, "b s i j"], statistics: ChannelStatistics
    ) -> tuple[Float[Tensor, "b m d"], Float[Tensor, "b m s"]]:
        """Return the same from a style feature averaged to the token grid.

        Normalising and averaging commute. `statistics` are those of the whole style feature.
        """
        key, value = self.key(normalise(pooled, statistics)), self.value(pooled)
        return key.flatten(2).transpose(1, 2), value.flatten(2).transpose(1, 2)

    def forward(
        self,
        content: Float[Tensor, "b c h w"],
        key: Float[Tensor, "#b m d"],
        value: Float[Tensor, "#b m s"],
    ) -> Float[Tensor, "b s h w"]:
        """Return the aligned feature Zcs for a normalised content feature norm(Zc)."""
        query = self._queries(content)
        if self.gating is None:
            shared = (len(query), -1, -1)
            attend = nn.functional.scaled_dot_product_attention
            aligned = attend(query, key.expand(shared), value.expand(shared))
        else:
            aligned = gated_attention(query, key, value, *self.gating(content))
        return aligned.transpose(1, 2).unflatten(2, content.shape[2:])

    def attention_weights(
        self, content: Float[Tensor, "b c h w"], key: Float[Tensor, "#b m d"], row: int, column: int
    ) -> Float[Tensor, "b m"]:
        """Return the attention over the tokens at one place of norm(Zc); it sums to 1."""
        here = content[:, :, row : row + 1, column : column + 1]
        query = self._queries(here)
        if self.gating is None:
            return (query @ key.transpose(1, 2) * query.shape[2] ** -0.5).softmax(dim=2)[:, 0]
        return gated_attention_weights(query, key, *self.gating(here))[:, 0]

    def share_let_through(
        self, content: Float[Tensor, "b c h w"], key: Float[Tensor, "#b m d"]
    ) -> Float[Tensor, "b h w"]:
        """Return the share, in [0, 1], of the tokens that pass the gate at each place."""
        if self.gating is None:
            return torch.ones_like(content[:, 0])
        shares = share_let_through(self._queries(content), key, *self.gating(content))
        return shares.unflatten(1, content.shape[2:])

    def _queries(self, content: Float[Tensor, "b c h w"]) -> Float[Tensor, "b n d"]:
        return self.query(content).flatten(2).transpose(1, 2)
