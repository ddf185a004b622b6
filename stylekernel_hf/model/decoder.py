"""The decoder: from the stylized content features to the picture.

Departures from the paper, whose decoder mirrors VGG:

- The style code modulates every convolution (`modulation`).
- Style blocks at the coarsest stage: dynamic kernels only recombine what the content has, and a few
  layers of decoder are too shallow to draw strokes that it does not have.
- Upsampling is bilinear. Nearest upsampling left a woven pattern of 8 px on flat areas, because the
  convolutions learned to draw texture from the edges of its blocks.
- The last step up is a pixel shuffle, whose filters start out equal.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stylekernel_hf.model.modulation import ModulatedConv2d
from stylekernel_hf.model.style_field import CodeField
from stylekernel_hf.ops.border import replicate_border


class StyleBlock(nn.Module):
    """Depthwise 5x5, then a widened pointwise layer that the style modulates, added to the input.

    Its shape is ConvNeXt's (Liu et al., CVPR 2022): at stride 8 it sees 40 px and costs a fifth of
    a plain 3x3 residual block. It starts as the identity.
    """

    def __init__(self, channels: int, code_channels: int) -> None:
        super().__init__()
        self.spread = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.expand = ModulatedConv2d(channels, 2 * channels, code_channels, kernel_size=1)
        self.project = nn.Conv2d(2 * channels, channels, 1)
        nn.init.zeros_(self.project.weight)
        assert self.project.bias is not None
        nn.init.zeros_(self.project.bias)

    def forward(
        self, features: Float[Tensor, "b c h w"], code: Float[Tensor, "#b e"] | CodeField
    ) -> Float[Tensor, "b c h w"]:
        """Return the features with the block's strokes added."""
        spread = replicate_border(self.spread(features), 2)
        return features + self.project(self.expand(spread, code))


class Decoder(nn.Module):
    """Mirrors the encoder: modulated 3x3 convolutions, bilinear upsampling between stages.

    `channels` and `depths` are listed finest stage first, like the encoder's. `blocks` style blocks
    come first, at the coarsest stage; `shuffle` is the factor of the pixel shuffle at the end.
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
        rgb = replicate_border(self.to_rgb(x), 1).sigmoid_()
        return nn.functional.pixel_shuffle(rgb, self.shuffle)


def _upsampled(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c 2*h 2*w"]:
    return nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
