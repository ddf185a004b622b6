"""The style kernel generator: from the aligned style feature to a kernel for every pixel."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stylekernel_hf.ops.activation import relu_
from stylekernel_hf.ops.dynamic_conv import channel_shuffle, dynamic_conv2d
from stylekernel_hf.ops.pixel_rows import pointwise_rows


class StyleKernels(NamedTuple):
    """What one level of content features is filtered with.

    `taps` holds the kernels of all convolutions of the level, one after the other.
    """

    taps: Float[Tensor, "b ngkk h w"]
    scale: Float[Tensor, "b c h w"]
    shift: Float[Tensor, "b c h w"]


class KernelGenerator(nn.Module):
    """Generates the kernels of one level: `convolutions` x `groups` x k x k signed taps a pixel.

    Ours, where the paper leaves it open: the kernels are added to the identity and start there,
    and a scale and shift per pixel and channel comes with them. Those alone are left with no
    `convolutions`, as in the paper's ablation; `shuffle` is another.
    """

    def __init__(
        self,
        style_channels: int,
        hidden_channels: int,
        channels: int,
        *,
        kernel_size: int,
        groups: int,
        convolutions: int,
        shuffle: bool,
    ) -> None:
        super().__init__()
        taps = convolutions * groups * kernel_size**2
        self.kernel_size = kernel_size
        self.groups = groups
        self.convolutions = convolutions
        self.shuffle = shuffle
        self.split = (taps, channels, channels)
        # Pointwise: the attention has already looked around.
        self.hidden = nn.Conv2d(style_channels, hidden_channels, 1)
        self.head = nn.Conv2d(hidden_channels, taps + 2 * channels, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)
        identity = self.head.bias.data[:taps].view(-1, kernel_size**2)
        identity[:, kernel_size**2 // 2] = 1
        self.head.bias.data[taps : taps + channels] = 1

    def forward(
        self, aligned: Float[Tensor, "b s i j"], size: tuple[int, int] | None = None
    ) -> StyleKernels:
        """Generate kernels for features of `size`, which may be finer than the aligned style.

        What is interpolated is the hidden layer: the head is linear, so that this comes to the same
        as interpolating the kernels, of which there are more.
        """
        hidden = relu_(self.hidden(aligned))
        if size is not None and size != hidden.shape[2:]:
            hidden = nn.functional.interpolate(hidden, size, mode="bilinear", align_corners=False)
        count = self.split[0]
        weight, bias = self.head.weight, self.head.bias
        assert bias is not None
        taps = pointwise_rows(hidden, weight[:count], bias[:count])
        scale, shift = torch.conv2d(hidden, weight[count:], bias[count:]).chunk(2, dim=1)
        return StyleKernels(taps, scale, shift)

    def apply_kernels(
        self, features: Float[Tensor, "b c h w"], kernels: StyleKernels
    ) -> Float[Tensor, "b c h w"]:
        """Filter `features` with kernels for their size.

        Between two convolutions the channels are shuffled, so that groups exchange what they know.
        """
        size = self.split[0] // max(1, self.convolutions)
        for index in range(self.convolutions):
            taps = kernels.taps[:, index * size : (index + 1) * size]
            if index and self.shuffle:
                features = channel_shuffle(features, self.groups)
            features = dynamic_conv2d(features, taps, self.groups)
        features = features.contiguous(memory_format=torch.channels_last)
        return torch.addcmul(kernels.shift, features, kernels.scale)
