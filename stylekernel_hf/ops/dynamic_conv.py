"""Per-pixel dynamic convolution: functions, no weights of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from stylekernel_hf.ops.border import renew_border
from stylekernel_hf.ops.pixel_rows import rows_of_pixels
from stylekernel_hf.ops.triton_kernels.fused_kernel import FusedKernel

_fused_convolve = FusedKernel("stylekernel_hf.ops.triton_kernels.dynamic_conv", "convolve")
_fused_gradients = FusedKernel("stylekernel_hf.ops.triton_kernels.dynamic_conv", "gradients")


def dynamic_conv2d(
    features: Float[Tensor, "b c h w"], kernels: Float[Tensor, "b gkk h w"], groups: int
) -> Float[Tensor, "b c h w"]:
    """Filter every pixel with a kernel of its own, shared by the channels of a group.

    `kernels` holds `groups` x k x k taps per pixel, group slowest; as in `conv2d` this is a
    correlation. Where a kernel reaches beyond the picture, in the outer k // 2 rows and columns,
    the result is that of the nearest pixel whose kernel does not; in a picture that is too small
    for any such pixel there are zeros around it. The k x k shifted features are views of one copy
    and are summed in turn, so that memory stays at a few times the features'. On CUDA a fused
    kernel does without the copy.
    """
    reach = _kernel_size(kernels, groups) // 2
    height, width = features.shape[2:]
    if min(height, width) > 2 * reach:
        return renew_border(_DynamicConv.apply(features, kernels, groups), reach)  # type: ignore[arg-type]
    around = (reach,) * 4
    padded = (torch.nn.functional.pad(part, around) for part in (features, kernels))
    filtered: Any = _DynamicConv.apply(*padded, groups)
    return filtered[..., reach : reach + height, reach : reach + width]


class _DynamicConv(torch.autograd.Function):
    """The sum over shifted features, forwards and backwards in place.

    Autograd would give every tap a padded gradient of its own, nine times the features' memory.
    What it gives where kernels reach beyond the picture is arbitrary, and no gradient may come
    from there.
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
        gradient = rows_of_pixels(gradients[0]).unflatten(1, (ctx.groups, -1))
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
    """Return how many pixels, row by row, a kernel reaches back from its middle."""
    return (size // 2) * (width + 1)


def _grouped(features: Tensor, kernels: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """Return the features as (b, g, c/g, n + margins) and the taps as (b, g, kk, 1, n).

    The n pixels follow on each other row by row, so that a shift by a row and a column is one by a
    number of pixels, which goes on in the next row at the picture's edge. Pixels come innermost,
    whatever the memory format: a kernel is broadcast over the channels of its group, so that with
    channels innermost every step would be a few values long.
    """
    size = _kernel_size(kernels, groups)
    margin = _margin(size, features.shape[3])
    taps = rows_of_pixels(kernels).unflatten(1, (groups, size * size, 1))
    return rows_of_pixels(features, margin).unflatten(1, (groups, -1)), taps


def _shifts(size: int, width: int) -> Iterator[int]:
    """Return where the pixels start that each tap weights, row by row of the kernel."""
    return (row * width + column for row in range(size) for column in range(size))


def channel_shuffle(features: Float[Tensor, "b c h w"], groups: int) -> Float[Tensor, "b c h w"]:
    """Interleave the channels of `groups` groups (ShuffleNet, Zhang et al., CVPR 2018)."""
    return features.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)
