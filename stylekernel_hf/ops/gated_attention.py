"""Attention with a threshold for every query: tokens that score below it are dropped (CGM)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.ops.triton_kernels.fused_kernel import FusedKernel

_fused_attend = FusedKernel("stylekernel_hf.ops.triton_kernels.gated_attention", "attend")

# Rows of the attention matrix held at once: memory grows with this times the tokens, not with the
# number of pixels times the tokens.
QUERY_CHUNK = 16384

# The least distance of a score above its threshold. Without it, a row whose tokens are all below
# would be 0 / 0; a separate fallback for such rows costs as much as the rest.
GATED_FLOOR = 1e-6


def gated_attention_reference(
    query: Float[Tensor, "b n d"],
    key: Float[Tensor, "#b m d"],
    value: Float[Tensor, "#b m v"],
    gamma: Float[Tensor, "b n 1"],
    beta: Float[Tensor, "b n 1"],
) -> Float[Tensor, "b n v"]:
    """Average `value` with weights ~ max(score - threshold, floor) * softmax(score), normalised.

    The score is the scaled product q k, the threshold of a row gamma * mean(score) + beta. Tokens
    below the threshold keep almost no weight. A row with all of its tokens below becomes plain
    softmax, so that every pixel gets a style.
    """
    score = query @ key.transpose(1, 2) * key.shape[2] ** -0.5
    threshold = gamma * score.mean(dim=2, keepdim=True) + beta
    weights = (score - threshold).clamp(min=GATED_FLOOR) * score.softmax(dim=2)
    return weights / weights.sum(dim=2, keepdim=True) @ value


def gated_attention(
    query: Float[Tensor, "b n d"],
    key: Float[Tensor, "#b m d"],
    value: Float[Tensor, "#b m v"],
    gamma: Float[Tensor, "b n 1"],
    beta: Float[Tensor, "b n 1"],
) -> Float[Tensor, "b n v"]:
    """Compute `gated_attention_reference` in chunks of rows, which bounds the memory.

    On CUDA, where no gradients are needed, a fused kernel holds no rows at all.
    """
    inputs = (query, key, value, gamma, beta)
    if not (torch.is_grad_enabled() and any(part.requires_grad for part in inputs)):
        fused = _fused_attend(*inputs, GATED_FLOOR)
        if fused is not None:
            return fused
    parts: list[Tensor] = []
    for rows, scale, offset in _row_chunks(query, gamma, beta):
        gated = _gated(rows, key, scale, offset)
        averaged = gated @ value.to(gated.dtype) / gated.sum(dim=-1, keepdim=True)
        parts.append(averaged.to(value.dtype))
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def _row_chunks(*rows: Float[Tensor, "b n _"]) -> Iterator[tuple[Tensor, ...]]:
    """Split tensors with a row per query into chunks of the same rows."""
    return zip(*(part.split(QUERY_CHUNK, dim=1) for part in rows), strict=True)


def gated_attention_weights(
    query: Float[Tensor, "b n d"],
    key: Float[Tensor, "#b m d"],
    gamma: Float[Tensor, "b n 1"],
    beta: Float[Tensor, "b n 1"],
) -> Float[Tensor, "b n m"]:
    """Return the gated attention weights; every row is positive and sums to one."""
    gated = _gated(query, key, gamma, beta)
    return (gated / gated.sum(dim=-1, keepdim=True)).to(query.dtype)


def _gated(
    query: Float[Tensor, "b n d"],
    key: Float[Tensor, "#b m d"],
    gamma: Float[Tensor, "b n 1"],
    beta: Float[Tensor, "b n 1"],
) -> Float[Tensor, "b n m"]:
    """Return the gated attention weights before they are normalised."""
    above = _above_threshold(query, key, gamma, beta)
    # Subtracting the threshold from a whole row leaves its softmax unchanged.
    softmax = above.softmax(dim=-1)
    return above.clamp_(min=GATED_FLOOR).mul_(softmax)


def _above_threshold(
    query: Float[Tensor, "b n d"],
    key: Float[Tensor, "#b m d"],
    gamma: Float[Tensor, "b n 1"],
    beta: Float[Tensor, "b n 1"],
) -> Float[Tensor, "b n m"]:
    """Return the score of every token minus the threshold of its row.

    The mean of a row's scores is the product with the mean key. float16 becomes float32, because
    it cannot hold the floor times a softmax over many tokens.
    """
    key = key * key.shape[-1] ** -0.5
    threshold = gamma * (query @ key.mean(dim=1, keepdim=True).transpose(1, 2)) + beta
    score = query @ key.transpose(1, 2)
    if score.dtype == torch.float16:
        score = score.float()
    return score.sub_(threshold)


def share_let_through(
    query: Float[Tensor, "b n d"],
    key: Float[Tensor, "#b m d"],
    gamma: Float[Tensor, "b n 1"],
    beta: Float[Tensor, "b n 1"],
) -> Float[Tensor, "b n"]:
    """Return the share, in [0, 1], of the tokens above the threshold of each row."""
    shares: list[Tensor] = []
    for rows, scale, offset in _row_chunks(query, gamma, beta):
        above = _above_threshold(rows, key, scale, offset)
        shares.append((above > 0).float().mean(dim=-1))
    return torch.cat(shares, dim=1)
