"""Attention with a threshold for every query: tokens that score below it are dropped."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.ops.triton_kernels.fused_kernel import FusedKernel

_fused_attend = FusedKernel("stylekernel_hf.ops.triton_kernels.gated_attention", "attend")

# Rows of the attention matrix that are held at once: memory grows with this times the tokens,
# never with the number of pixels times the tokens.
QUERY_CHUNK = 16384

# How far above its threshold a token counts at least: without it a row that is gated away
# altogether would be 0 / 0, and a fallback of its own costs as much as all the rest.
GATED_FLOOR = 1e-6


def gated_attention(
    query: Float[Tensor, "b n d"],
    key: Float[Tensor, "#b m d"],
    value: Float[Tensor, "#b m v"],
    gamma: Float[Tensor, "b n 1"],
    beta: Float[Tensor, "b n 1"],
) -> Float[Tensor, "b n v"]:
    """Average `value` with weights ~ max(score - threshold, floor) * exp(score), normalised.

    The score is the scaled product of query and key. Of the tokens below the threshold next to
    nothing is left; only a row that is gated away altogether becomes plain softmax over all of
    them, so that no pixel is left without a style. On CUDA a fused kernel does it where no
    gradients are asked for.
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
    """Cut what belongs to each row into chunks of the same rows."""
    return zip(*(part.split(QUERY_CHUNK, dim=1) for part in rows), strict=True)


def gated_attention_weights(
    query: Float[Tensor, "b n d"],
    key: Float[Tensor, "#b m d"],
    gamma: Float[Tensor, "b n 1"],
    beta: Float[Tensor, "b n 1"],
) -> Float[Tensor, "b n m"]:
    """Return the attention after gating; every row is positive and sums to one."""
    gated = _gated(query, key, gamma, beta)
    return (gated / gated.sum(dim=-1, keepdim=True)).to(query.dtype)


def _gated(
    query: Float[Tensor, "b n d"],
    key: Float[Tensor, "#b m d"],
    gamma: Float[Tensor, "b n 1"],
    beta: Float[Tensor, "b n 1"],
) -> Float[Tensor, "b n m"]:
    """Return the attention before it is normalised."""
    above = _above_threshold(query, key, gamma, beta)
    # Softmax does not change with what a whole row is lowered by.
    softmax = above.softmax(dim=-1)
    return above.clamp_(min=GATED_FLOOR).mul_(softmax)


def _above_threshold(
    query: Float[Tensor, "b n d"],
    key: Float[Tensor, "#b m d"],
    gamma: Float[Tensor, "b n 1"],
    beta: Float[Tensor, "b n 1"],
) -> Float[Tensor, "b n m"]:
    """Return how far the score of every token is above the threshold of its row.

    The mean of a row's scores is the product with the mean key. Half floats cannot hold the
    floor times a softmax of many tokens: they become single.
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
    """Return the share of the tokens above the threshold of each row: 0 if none are."""
    shares: list[Tensor] = []
    for rows, scale, offset in _row_chunks(query, gamma, beta):
        above = _above_threshold(rows, key, scale, offset)
        shares.append((above > 0).float().mean(dim=-1))
    return torch.cat(shares, dim=1)
