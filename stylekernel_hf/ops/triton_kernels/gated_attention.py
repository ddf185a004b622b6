"""Gated attention in one pass over the style tokens, which holds no row of scores."""

# What Triton compiles is typed by Triton's own rules.
# pyright: basic, reportMissingImports=false, reportIndexIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportCallIssue=false

from __future__ import annotations

import torch
import triton
import triton.language as tl
from jaxtyping import Float
from torch import Tensor

_ROWS, _TOKENS, _WIDTH, _VALUES = 64, 32, 64, 128


def attend(
    query: Float[Tensor, "b n d"],
    key: Float[Tensor, "#b m d"],
    value: Float[Tensor, "#b m v"],
    gamma: Float[Tensor, "b n 1"],
    beta: Float[Tensor, "b n 1"],
    floor: float,
) -> Float[Tensor, "b n v"]:
    """Return what `gated_attention` does; scores and sums are in float32, and nothing is kept."""
    batch, rows, width = query.shape
    tokens, value_width = key.shape[1], value.shape[2]
    key, value = key.expand(batch, -1, -1), value.expand(batch, -1, -1)
    scale = width**-0.5
    # The mean of a row's scores is the product with the mean key.
    mean = query.float() @ key.float().mean(dim=1, keepdim=True).transpose(1, 2) * scale
    threshold = (gamma.float() * mean + beta.float())[..., 0].contiguous()
    out = torch.empty((batch, rows, value_width), device=query.device, dtype=value.dtype)
    # A product of matrices has at least 16 rows and columns.
    block, columns = (
        min(most, max(16, triton.next_power_of_2(needed)))
        for most, needed in ((_WIDTH, width), (_VALUES, value_width))
    )
    grid = triton.cdiv(rows, _ROWS), batch, triton.cdiv(value_width, columns)
    _attend[grid](
        query, key, value, threshold, out, rows, tokens, width, value_width, scale,
        *query.stride(), *key.stride(), *value.stride(), *out.stride(),
        FLOOR=floor, ROWS=_ROWS, TOKENS=_TOKENS, VALUES=columns,
        WIDTH=block, BLOCKS=triton.cdiv(width, block),
        PRECISION="ieee" if value.dtype == torch.float32 else "tf32",
    )  # fmt: skip
    return out


@triton.jit
def _attend(
    query, key, value, threshold, out, rows, tokens, width, value_width, scale,
    query_b, query_n, query_d, key_b, key_m, key_d, value_b, value_m, value_v, out_b, out_n, out_v,
    FLOOR: tl.constexpr, ROWS: tl.constexpr, TOKENS: tl.constexpr, VALUES: tl.constexpr,
    WIDTH: tl.constexpr, BLOCKS: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Average some columns of the values for some rows; the softmax runs along as it goes.

    After FlashAttention (Dao et al., NeurIPS 2022): what was summed up is scaled down whenever a
    higher score turns up.
    """
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    batch = tl.program_id(1).to(tl.int64)
    column = tl.program_id(2) * VALUES + tl.arange(0, VALUES)
    limit = tl.load(threshold + batch * rows + row, mask=row < rows, other=0)
    highest = tl.full((ROWS,), float("-inf"), tl.float32)
    total = tl.zeros((ROWS,), tl.float32)
    average = tl.zeros((ROWS, VALUES), tl.float32)
    for start in range(0, tokens, TOKENS):
        token = start + tl.arange(0, TOKENS)
        score = tl.zeros((ROWS, TOKENS), tl.float32)
        # Unrolled, it would hold all blocks of the query in shared memory, which few GPUs have.
        for index in range(BLOCKS):
            feature = index * WIDTH + tl.arange(0, WIDTH)
            there = feature < width
            q = tl.load(
                query + batch * query_b + row[:, None] * query_n + feature[None, :] * query_d,
                mask=(row < rows)[:, None] & there[None, :], other=0,
            )  # fmt: skip
            k = tl.load(
                key + batch * key_b + token[None, :] * key_m + feature[:, None] * key_d,
                mask=(token < tokens)[None, :] & there[:, None], other=0,
            )  # fmt: skip
            # TF32 holds half floats exactly; Triton's interpreter has no products of bfloat16.
            score += tl.dot(q.to(tl.float32), k.to(tl.float32), input_precision=PRECISION)
        score = tl.where((token < tokens)[None, :], score * scale, float("-inf"))
        top = tl.maximum(highest, tl.max(score, axis=1))
        weight = tl.exp(score - top[:, None]) * tl.maximum(score - limit[:, None], FLOOR)
        shrink = tl.exp(highest - top)
        v = tl.load(
            value + batch * value_b + token[:, None] * value_m + column[None, :] * value_v,
            mask=(token < tokens)[:, None] & (column < value_width)[None, :], other=0,
        )  # fmt: skip
        # Half floats cannot hold the floor times the softmax of many tokens.
        found = tl.dot(weight, v.to(tl.float32), input_precision=PRECISION)
        average = average * shrink[:, None] + found
        total = total * shrink + tl.sum(weight, axis=1)
        highest = top
    average = average / total[:, None]
    tl.store(
        out + batch * out_b + row[:, None] * out_n + column[None, :] * out_v,
        average.to(out.dtype.element_ty),
        mask=(row < rows)[:, None] & (column < value_width)[None, :],
    )
