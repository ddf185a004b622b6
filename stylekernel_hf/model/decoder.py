"""The decoder: from stylized features to the picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stylekernel_hf.model.modulation import ModulatedConv2d
from stylekernel_hf.model.style_block import StyleBlock
from stylekernel_hf.model.style_field import CodeField
from stylekernel_hf.ops.border import renew_border


class Decoder(nn.Module):
    """Mirrors the encoder: 3x3 convolutions, bilinear upsampling between stages.

    `channels` and `depths` are listed finest stage first, like the encoder's; `blocks` is the
    number of style blocks at the coarsest stage, before its convolutions. Upsampling before
    stride-1 convolutions leaves no checkerboard, but nearest upsampling left a woven pattern of
    8 px on flat areas: the convolutions learned to draw texture from the edges of its blocks. The
    last step up, by `shuffle`, is a pixel shuffle, whose filters start out equal.
    """

    def __init__(
        self,
        channels: Sequence[int],
        depths: Sequence[int],
        *,
        blocks: int,
        code_channels: int,
        shuffle: int,
    ) -> None:
        super().__init__()
        if min(depths) < 1:
            raise ValueError(f"decoder_depths must be at least 1 each, got {tuple(depths)}")
        self.blocks = nn.ModuleList(StyleBlock(channels[-1], code_channels) for _ in range(blocks))
        self.stages = nn.ModuleList()
        self.projections = nn.ModuleList()
        for level, (width, depth) in enumerate(zip(channels, depths, strict=True)):
            self.stages.append(
                nn.ModuleList(ModulatedConv2d(width, width, code_channels) for _ in range(depth))
            )
            if level:
                self.projections.append(nn.Conv2d(width, channels[level - 1], 1))
        self.to_rgb = nn.Conv2d(channels[0], 3 * shuffle**2, 3, padding=1)
        self.shuffle = shuffle
        with torch.no_grad():
            for part in self.to_rgb.parameters():
                part.copy_(part[:: shuffle**2].repeat_interleave(shuffle**2, dim=0))

    def forward(
        self, features: Sequence[Tensor], code: Float[Tensor, "#b e"] | CodeField
    ) -> Float[Tensor, "b 3 h w"]:
        """Decode the stylized features of the coarsest levels, finest of them first."""
        coarsest = len(self.stages) - 1
        x = features[-1]
        for block in self.blocks:
            x = block(x, code)
        for level in range(coarsest, -1, -1):
            skip = level - len(self.stages) + len(features)
            # Without features to be added first, upsampling is part of the first convolution.
            upsample = level < coarsest and skip < 0
            if level < coarsest:
                x = self.projections[level](x)
                if skip >= 0:
                    x = _upsampled(x) + features[skip]
            for convolution in self.stages[level]:  # type: ignore[union-attr]
                x = convolution(x, code, upsample=upsample)
                upsample = False
        return pixel_shuffle(renew_border(self.to_rgb(x), 1).sigmoid_(), self.shuffle)


def _upsampled(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c 2*h 2*w"]:
    return nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def pixel_shuffle(x: Float[Tensor, "b crr h w"], factor: int) -> Float[Tensor, "b c h2 w2"]:
    """`torch.pixel_shuffle`, in half of its time for channels-last input on a CPU."""
    batch, _, height, width = x.shape
    parts = x.permute(0, 2, 3, 1).reshape(batch, height, width, -1, factor, factor)
    return parts.permute(0, 3, 1, 4, 2, 5).reshape(batch, -1, height * factor, width * factor)
