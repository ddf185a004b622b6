"""Dynamic convolution: every pixel is filtered with a kernel of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from stylekernel_hf.ops.border import replicate_border
from stylekernel_hf.ops.triton_kernels.fused_kernel import FusedKernel

_fused_convolve = FusedKernel("stylekernel_hf.ops.triton_kernels.dynamic_conv", "convolve")
_fused_gradients = FusedKernel("stylekernel_hf.ops.triton_kernels.dynamic_conv", "gradients")


def dynamic_conv2d_reference(
    features: Float[Tensor, "b c h w"], kernels: Float[Tensor, "b gkk h w"], groups: int
) -> Float[Tensor, "b c h w"]:
    """Filter every pixel with a kernel of its own, shared by the channels of a group.

    `kernels` holds `groups` x k x k taps per pixel, group slowest; like `conv2d` this is a
    correlation. Kernels that reach beyond the picture see zeros, and the border of k // 2 pixels,
    where they do, is replicated from inside.
    """
    size = _kernel_size(kernels, groups)
    padded = torch.nn.functional.pad(features, (size // 2,) * 4)
    windows = padded.unfold(2, size, 1).unfold(3, size, 1).unflatten(1, (groups, -1))
    taps = kernels.unflatten(1, (groups, size, size))
    filtered = torch.einsum("bgchwij,bgijhw->bgchw", windows, taps).flatten(1, 2)
    return replicate_border(filtered, size // 2)


def dynamic_conv2d(
    features: Float[Tensor, "b c h w"], kernels: Float[Tensor, "b gkk h w"], groups: int
) -> Float[Tensor, "b c h w"]:
    """Compute `dynamic_conv2d_reference` in a few times the memory of the features.

    On a CPU the k x k shifted features are views of one copy, summed in turn. On CUDA a fused
    kernel needs no copy.
    """
    reach = _kernel_size(kernels, groups) // 2
    height, width = features.shape[2:]
    if min(height, width) > 2 * reach:
        return replicate_border(_DynamicConv.apply(features, kernels, groups), reach)  # type: ignore[arg-type]
    around = (reach,) * 4
    padded = (torch.nn.functional.pad(part, around) for part in (features, kernels))
    filtered: Any = _DynamicConv.apply(*padded, groups)
    return filtered[..., reach : reach + height, reach : reach + width]


class _DynamicConv(torch.autograd.Function):
    """The sum over shifted features, with a backward pass of its own.

    Autograd would allocate a padded gradient for every tap, nine times the features' memory.
    Results are arbitrary where kernels reach beyond the picture, and no gradient may come from
    there: the caller replaces the border.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, kernels: Tensor, groups: int) -> Tensor:
        ctx.save_for_backward(features, kernels)
        ctx.groups = groups
        fused = _fused_convolve(features, kernels, groups)
        if fused is not None:
            return fused
        size, width = _kernel_size(kernels, groups), features.shape[3]
        pixels, taps = _grouped(features, kernels, groups)
        out: Tensor | None = None
        for tap, shift in zip(taps.unbind(2), _shifts(size, width), strict=True):
            shifted = pixels[..., shift : shift + taps.shape[-1]]
            out = shifted * tap if out is None else out.addcmul_(shifted, tap)
        assert out is not None
        return out.view(features.shape)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor, Tensor, None]:
        features, kernels = ctx.saved_tensors
        fused = _fused_gradients(features, kernels, ctx.groups, gradients[0])
        if fused is not None:
            return *fused, None
        size, width = _kernel_size(kernels, ctx.groups), features.shape[3]
        pixels, taps = _grouped(features, kernels, ctx.groups)
        gradient = _pixels(gradients[0]).unflatten(1, (ctx.groups, -1))
        for_pixels, for_taps = torch.zeros_like(pixels), torch.empty_like(taps)
        count = taps.shape[-1]
        each = zip(taps.unbind(2), for_taps.unbind(2), _shifts(size, width), strict=True)
        for tap, for_tap, shift in each:
            for_pixels[..., shift : shift + count].addcmul_(gradient, tap)
            shifted = pixels[..., shift : shift + count]
            torch.sum(gradient * shifted, 2, keepdim=True, out=for_tap)
        margin = _margin(size, width)
        inner = for_pixels[..., margin : margin + count]
        return inner.reshape(features.shape), for_taps.view(kernels.shape), None


def _kernel_size(kernels: Float[Tensor, "b gkk h w"], groups: int) -> int:
    return round((kernels.shape[1] // groups) ** 0.5)


def _margin(size: int, width: int) -> int:
    """Return how many pixels, row by row, a kernel reaches back from its centre."""
    return (size // 2) * (width + 1)


def _grouped(features: Tensor, kernels: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """Return the features as (b, g, c/g, n + margins) and the taps as (b, g, kk, 1, n).

    The n pixels follow each other row by row, so a shift by rows and columns is one by a number of
    pixels, which continues in the next row at the picture's edge. Pixels are innermost in memory,
    because a kernel is broadcast over the channels of its group: with channels innermost, the
    inner loops would be a few values long.
    """
    size = _kernel_size(kernels, groups)
    margin = _margin(size, features.shape[3])
    taps = _pixels(kernels).unflatten(1, (groups, size * size, 1))
    return _pixels(features, margin).unflatten(1, (groups, -1)), taps


def _pixels(features: Float[Tensor, "b c h w"], margin: int = 0) -> Float[Tensor, "b c n"]:
    """Return the pixels row by row, contiguous, with `margin` zeros at both ends."""
    pixels = features.flatten(2)
    return torch.nn.functional.pad(pixels, (margin, margin)) if margin else pixels.contiguous()


def _shifts(size: int, width: int) -> Iterator[int]:
    """Yield the first of the pixels that each tap weights, row by row of the kernel."""
    return (row * width + column for row in range(size) for column in range(size))


def channel_shuffle(features: Float[Tensor, "b c h w"], groups: int) -> Float[Tensor, "b c h w"]:
    """Interleave the channels of `groups` groups (ShuffleNet, Zhang et al., CVPR 2018)."""
    return features.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)
