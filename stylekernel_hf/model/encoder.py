"""The VGG-shaped encoder of the content (its last feature is Zc) and of the style (Zs).

Departures from the paper, which takes a pretrained VGG:

- Content and style have encoders of their own, trained with the rest; widths come from the config.
- Without max pooling, the first convolution of a stage strides by 2, which keeps more of the detail
  that the decoder needs from a narrow network.
- Borders are replicated, so that zero padding never reaches the features.
"""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from stylekernel_hf.ops.activation import relu_
from stylekernel_hf.ops.border import replicate_border


class Encoder(nn.Module):
    """Stages of 3x3 convolutions and ReLUs, each stage at half the resolution of the one before.

    `channels` and `depths` (convolutions per stage) are listed finest stage first. The very first
    convolution strides by `stem_stride`. With `max_pooling` the stages are separated as in VGG.
    """

    def __init__(
        self,
        channels: Sequence[int],
        depths: Sequence[int],
        *,
        stem_stride: int,
        max_pooling: bool,
    ) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2) if max_pooling else nn.Identity()
        self.stages = nn.ModuleList()
        in_channels = 3
        for level, (width, depth) in enumerate(zip(channels, depths, strict=True)):
            stride = stem_stride if level == 0 else (1 if max_pooling else 2)
            stage = nn.Sequential()
            for index in range(depth):
                stage.append(
                    nn.Conv2d(in_channels, width, 3, stride if index == 0 else 1, padding=1)
                )
                stage.append(nn.ReLU(inplace=True))
                in_channels = width
            self.stages.append(stage)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        """Return the last activation of every stage, finest first, for RGB in [0, 1]."""
        features: list[Tensor] = []
        x = image - 0.5
        for level, stage in enumerate(self.stages):
            x = x if level == 0 else self.pool(x)
            for layer in stage:  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
                if isinstance(layer, nn.Conv2d):
                    x = replicate_border(layer(x), 1, stride=layer.stride[0])
                else:
                    x = relu_(x)
            features.append(x)
        return features
