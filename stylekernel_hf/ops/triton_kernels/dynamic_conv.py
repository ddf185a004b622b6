"""The per-pixel dynamic convolution and its gradients, each in one pass over the features."""

# What Triton compiles is typed by Triton's own rules.
# pyright: basic, reportMissingImports=false, reportIndexIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from jaxtyping import Float
from torch import Tensor

_PIXELS = 64


def convolve(
    features: Float[Tensor, "b c h w"], kernels: Float[Tensor, "b gkk h w"], groups: int
) -> Float[Tensor, "b c h w"]:
    """Return what `dynamic_conv2d` does before it renews the border, with zeros around the picture.

    Sums run in float32.
    """
    out = torch.empty_like(features, dtype=torch.promote_types(features.dtype, kernels.dtype))
    _gather[_grid(features, groups)](
        features, kernels, out, *_sizes(features, groups), *_strides(features, kernels, out),
        **_constants(features, kernels, groups), TRANSPOSED=False,
    )  # fmt: skip
    return out


def gradients(
    features: Float[Tensor, "b c h w"],
    kernels: Float[Tensor, "b gkk h w"],
    groups: int,
    gradient: Float[Tensor, "b c h w"],
) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b gkk h w"]]:
    """Return the gradients of the features and of the kernels."""
    for_features, for_kernels = torch.empty_like(features), torch.empty_like(kernels)
    constants = _constants(features, kernels, groups)
    sizes = _sizes(features, groups)
    _gather[_grid(features, groups)](
        gradient, kernels, for_features, *sizes, *_strides(gradient, kernels, for_features),
        **constants, TRANSPOSED=True,
    )  # fmt: skip
    _correlate[_grid(features, groups)](
        features, gradient, for_kernels, *sizes, *_strides(features, gradient, for_kernels),
        **constants,
    )  # fmt: skip
    return for_features, for_kernels


@triton.jit
def _gather(
    source, kernels, out, height, width, channels,
    source_b, source_c, source_h, source_w,
    kernels_b, kernels_c, kernels_h, kernels_w,
    out_b, out_c, out_h, out_w,
    GROUPS: tl.constexpr, SIZE: tl.constexpr, PIXELS: tl.constexpr, CHANNELS: tl.constexpr,
    TRANSPOSED: tl.constexpr,
):  # fmt: skip
    """Sum the neighbours of every pixel, weighted by its taps, or if transposed by their own.

    A program does some pixels of one group of one picture, with all of the group's `channels`.
    """
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    batch = (tl.program_id(1) // GROUPS).to(tl.int64)
    group = tl.program_id(1) % GROUPS
    row, column = pixel // width, pixel % width
    inside = pixel < height * width
    channel = tl.arange(0, CHANNELS)
    present = channel < channels
    channel = group * channels + channel
    source += batch * source_b + channel[None, :] * source_c
    kernels += batch * kernels_b + group * SIZE * SIZE * kernels_c
    total = tl.zeros((PIXELS, CHANNELS), tl.float32)
    for index in tl.static_range(SIZE * SIZE):
        down, across = index // SIZE - SIZE // 2, index % SIZE - SIZE // 2
        if TRANSPOSED:
            down, across = -down, -across
        y, x = row + down, column + across
        seen = inside & (y >= 0) & (y < height) & (x >= 0) & (x < width)
        if TRANSPOSED:
            place = y * kernels_h + x * kernels_w
        else:
            place = row * kernels_h + column * kernels_w
        tap = tl.load(kernels + index * kernels_c + place, mask=seen, other=0).to(tl.float32)
        near = source + (y * source_h + x * source_w)[:, None]
        value = tl.load(near, mask=seen[:, None] & present[None, :], other=0).to(tl.float32)
        total += tap[:, None] * value
    out += batch * out_b + channel[None, :] * out_c + (row * out_h + column * out_w)[:, None]
    tl.store(out, total.to(out.dtype.element_ty), mask=inside[:, None] & present[None, :])


@triton.jit
def _correlate(
    features, gradient, out, height, width, channels,
    features_b, features_c, features_h, features_w,
    gradient_b, gradient_c, gradient_h, gradient_w,
    out_b, out_c, out_h, out_w,
    GROUPS: tl.constexpr, SIZE: tl.constexpr, PIXELS: tl.constexpr, CHANNELS: tl.constexpr,
):  # fmt: skip
    """Sum over a group's channels the gradient of every pixel times each of its neighbours."""
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    batch = (tl.program_id(1) // GROUPS).to(tl.int64)
    group = tl.program_id(1) % GROUPS
    row, column = pixel // width, pixel % width
    inside = pixel < height * width
    channel = tl.arange(0, CHANNELS)
    present = channel < channels
    channel = group * channels + channel
    features += batch * features_b + channel[None, :] * features_c
    gradient += batch * gradient_b + channel[None, :] * gradient_c
    gradient += (row * gradient_h + column * gradient_w)[:, None]
    mask = inside[:, None] & present[None, :]
    arriving = tl.load(gradient, mask=mask, other=0).to(tl.float32)
    out += batch * out_b + group * SIZE * SIZE * out_c + row * out_h + column * out_w
    for index in tl.static_range(SIZE * SIZE):
        y, x = row + index // SIZE - SIZE // 2, column + index % SIZE - SIZE // 2
        seen = inside & (y >= 0) & (y < height) & (x >= 0) & (x < width)
        near = features + (y * features_h + x * features_w)[:, None]
        value = tl.load(near, mask=seen[:, None] & present[None, :], other=0).to(tl.float32)
        total = tl.sum(arriving * value, axis=1)
        tl.store(out + index * out_c, total.to(out.dtype.element_ty), mask=inside)


def _grid(features: Tensor, groups: int) -> tuple[int, int]:
    batch, _, height, width = features.shape
    return triton.cdiv(height * width, _PIXELS), batch * groups


def _sizes(features: Tensor, groups: int) -> tuple[int, int, int]:
    _, channels, height, width = features.shape
    return height, width, channels // groups


def _strides(*tensors: Tensor) -> list[int]:
    return [stride for tensor in tensors for stride in tensor.stride()]


def _constants(features: Tensor, kernels: Tensor, groups: int) -> dict[str, Any]:
    return {
        "GROUPS": groups,
        "SIZE": round((kernels.shape[1] // groups) ** 0.5),
        "PIXELS": _PIXELS,
        "CHANNELS": triton.next_power_of_2(features.shape[1] // groups),
    }
