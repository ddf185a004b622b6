"""Per-pixel dynamic convolution: functions, no weights of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from stylekernel_hf.fused.fused_kernel import FusedKernel

_fused_convolve = FusedKernel("stylekernel_hf.fused.dynamic_conv", "convolve")
_fused_gradients = FusedKernel("stylekernel_hf.fused.dynamic_conv", "gradients")


def dynamic_conv2d(
    features: Float[Tensor, "b c h w"], kernels: Float[Tensor, "b gkk h w"], groups: int
) -> Float[Tensor, "b c h w"]:
    """Filter every pixel with a kernel of its own, shared by the channels of a group.

    `kernels` holds `groups` x k x k taps per pixel, group slowest; as in `conv2d` this is a
    correlation, here with zeros around the picture. The k x k shifted features are views of one
    padded copy and are summed in turn, so that memory stays at a few times the features'. On CUDA
    a fused kernel does without the copy.
    """
    return _DynamicConv.apply(features, kernels, groups)  # type: ignore[no-any-return]


class _DynamicConv(torch.autograd.Function):
    """The sum over shifted features, forwards and backwards in place.

    Autograd would give every tap a padded gradient of its own, nine times the features' memory.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, kernels: Tensor, groups: int) -> Tensor:
        ctx.save_for_backward(features, kernels)
        ctx.groups = groups
        fused = _fused_convolve(features, kernels, groups)
        if fused is not None:
            return fused
        padded, taps = _grouped(features, kernels, groups)
        out: Tensor | None = None
        for index, rows, columns in _shifts(taps):
            shifted, tap = padded[..., rows, columns], taps[:, :, index]
            out = shifted * tap if out is None else out.addcmul_(shifted, tap)
        assert out is not None
        return out.flatten(1, 2)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor, Tensor, None]:
        features, kernels = ctx.saved_tensors
        fused = _fused_gradients(features, kernels, ctx.groups, gradients[0])
        if fused is not None:
            return *fused, None
        padded, taps = _grouped(features, kernels, ctx.groups)
        gradient = gradients[0].contiguous().unflatten(1, (ctx.groups, -1))
        for_padded, for_taps = torch.zeros_like(padded), torch.empty_like(taps)
        for index, rows, columns in _shifts(taps):
            for_padded[..., rows, columns].addcmul_(gradient, taps[:, :, index])
            torch.sum(
                gradient * padded[..., rows, columns], 2, keepdim=True, out=for_taps[:, :, index]
            )
        margin = (padded.shape[3] - features.shape[2]) // 2
        height, width = features.shape[2:]
        inner = for_padded[..., margin : margin + height, margin : margin + width]
        return inner.flatten(1, 2), for_taps.flatten(1, 3), None


def _grouped(features: Tensor, kernels: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """Return the padded features as (b, g, c/g, h', w') and the taps as (b, g, kk, 1, h, w).

    Rows of pixels come innermost, whatever the memory format: a kernel is broadcast over the
    channels of its group, so that with channels innermost every step would be a few values long.
    """
    size = round((kernels.shape[1] // groups) ** 0.5)
    padded = torch.nn.functional.pad(features.contiguous(), (size // 2,) * 4)
    taps = kernels.contiguous().unflatten(1, (groups, size * size, 1))
    return padded.unflatten(1, (groups, -1)), taps


def _shifts(taps: Tensor) -> Iterator[tuple[int, slice, slice]]:
    count, _, height, width = taps.shape[2:]
    size = round(count**0.5)
    for index in range(count):
        row, column = divmod(index, size)
        yield index, slice(row, row + height), slice(column, column + width)


def channel_shuffle(features: Float[Tensor, "b c h w"], groups: int) -> Float[Tensor, "b c h w"]:
    """Interleave the channels of `groups` groups (ShuffleNet, Zhang et al., CVPR 2018)."""
    return features.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)
