"""A residual block that paints with the style: large strokes, at little cost."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from stylekernel_hf.model.modulation import ModulatedConv2d
from stylekernel_hf.model.style_field import CodeField
from stylekernel_hf.ops.border import renew_border


class StyleBlock(nn.Module):
    """Depthwise 5x5, then a widened pointwise layer that the style modulates, added to the input.

    Not in the paper: dynamic kernels alone only recombine what the content has, and a few layers
    of decoder are too shallow to draw strokes that the content does not have. At stride 8 a block
    sees 40 px and costs a fifth of a plain 3x3 residual block (its shape after ConvNeXt, Liu et
    al., CVPR 2022). It starts as the identity.
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
        spread = renew_border(self.spread(features), 2)
        return features + self.project(self.expand(spread, code))
