"""Scale and shift of a convolution's outputs by the style code.

Not in the paper: the dynamic kernels carry the local style, the modulation the global one
(contrast, grain and palette), also at the fine levels that have no dynamic kernels.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stylekernel_hf.model.style_field import CodeField, shares_at, sum_by_shares
from stylekernel_hf.ops.activation import relu_
from stylekernel_hf.ops.border import replicate_border
from stylekernel_hf.ops.upsampled_conv import upsampled_conv2d


class Modulation(nn.Module):
    """Predicts a scale and shift per channel from the style code; starts near the identity."""

    def __init__(self, code_channels: int, channels: int) -> None:
        super().__init__()
        self.affine = nn.Linear(code_channels, 2 * channels)
        nn.init.normal_(self.affine.weight, std=0.01)
        assert self.affine.bias is not None
        nn.init.zeros_(self.affine.bias)

    def forward(
        self, code: Float[Tensor, "#b e"] | CodeField, features: Float[Tensor, "b i h w"]
    ) -> tuple[Float[Tensor, "#b c #h #w"], Float[Tensor, "#b c #h #w"]]:
        """Return scale (around 1) and shift (around 0); for a field, maps of `features`' size."""
        if isinstance(code, CodeField):
            parts = [self.affine(part)[..., None, None] for part in code.codes]
            both = sum_by_shares(parts, shares_at(code.shares, features))
        else:
            both = self.affine(code)[..., None, None]
        scale, shift = both.chunk(2, dim=1)
        return scale + 1, shift


class ModulatedConv2d(nn.Module):
    """Convolution, 3x3 by default, whose outputs the style scales and shifts, then ReLU."""

    def __init__(
        self, in_channels: int, out_channels: int, code_channels: int, kernel_size: int = 3
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(
            in_channels, out_channels, kernel_size, padding=kernel_size // 2
        )
        self.modulation = Modulation(code_channels, out_channels)

    def forward(
        self,
        features: Float[Tensor, "b i h w"],
        code: Float[Tensor, "#b e"] | CodeField,
        *,
        upsample: bool = False,
    ) -> Float[Tensor, "b o h2 w2"]:
        """Convolve `features`, or with `upsample` their bilinear upsampling by 2 (3x3 only).

        With one style for the whole batch, scale and shift are folded into the weights.
        """
        layer = self.convolution
        assert layer.bias is not None
        if isinstance(code, Tensor) and code.shape[0] == 1:
            scale, shift = self.modulation(code, features)
            weight = (layer.weight * scale.view(-1, 1, 1, 1)).to(features.dtype)
            bias = torch.addcmul(shift.flatten(), layer.bias, scale.flatten()).to(features.dtype)
            return relu_(self._convolve(features, weight, bias, upsample))
        convolved = self._convolve(features, layer.weight, layer.bias, upsample)
        scale, shift = self.modulation(code, convolved)
        scale, shift = scale.to(convolved.dtype), shift.to(convolved.dtype)
        return relu_(torch.addcmul(shift, convolved, scale))

    def _convolve(self, features: Tensor, weight: Tensor, bias: Tensor, upsample: bool) -> Tensor:
        if upsample:
            return upsampled_conv2d(features, weight, bias)
        padding: Any = self.convolution.padding
        return replicate_border(torch.conv2d(features, weight, bias, padding=padding), padding[0])
