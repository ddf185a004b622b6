"""The style kernel generator: from the aligned style feature Zcs to a kernel for every pixel.

Our reading, because the paper leaves the kernels' form open:

- A level has `convolutions` dynamic convolutions of `groups` x k x k signed taps per pixel, which
  start as the identity kernel.
- A scale and shift per pixel and channel follows. With no `convolutions` it is all that is left, as
  in the paper's ablation.
- Between two dynamic convolutions the channels are shuffled, so that information mixes across
  groups (ShuffleNet, Zhang et al., CVPR 2018). The ablation leaves that out too.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stylekernel_hf.model.initialisation import start_for_relu
from stylekernel_hf.ops.activation import relu_
from stylekernel_hf.ops.dynamic_conv import channel_shuffle, dynamic_conv2d


class StyleKernels(NamedTuple):
    """What filters one level of content features; `taps` lists its convolutions one by one."""

    taps: Float[Tensor, "b ngkk h w"]
    scale: Float[Tensor, "b c h w"]
    shift: Float[Tensor, "b c h w"]


class KernelGenerator(nn.Module):
    """Generates the kernels of one level, pixel by pixel: Zcs already holds what is around."""

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
        self.hidden = nn.Conv2d(style_channels, hidden_channels, 1)
        self.head = nn.Conv2d(hidden_channels, taps + 2 * channels, 1)
        start_for_relu(self.hidden)
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

        The hidden layer is interpolated. The head is linear, so this equals interpolating the
        kernels, which have more channels.
        """
        hidden = relu_(self.hidden(aligned))
        if size is not None and size != hidden.shape[2:]:
            hidden = nn.functional.interpolate(hidden, size, mode="bilinear", align_corners=False)
        count = self.split[0]
        weight, bias = self.head.weight, self.head.bias
        assert bias is not None
        # As matrix products, the taps come with the pixels innermost, as dynamic_conv2d needs them.
        matrix = weight[:count].flatten(1).expand(len(hidden), -1, -1)
        taps = torch.baddbmm(bias[:count, None], matrix, hidden.flatten(2))
        scale, shift = torch.conv2d(hidden, weight[count:], bias[count:]).chunk(2, dim=1)
        return StyleKernels(taps.unflatten(2, hidden.shape[2:]), scale, shift)

    def apply_kernels(
        self, features: Float[Tensor, "b c h w"], kernels: StyleKernels
    ) -> Float[Tensor, "b c h w"]:
        """Filter `features` with kernels of their size, then scale and shift them."""
        size = self.split[0] // max(1, self.convolutions)
        for index in range(self.convolutions):
            taps = kernels.taps[:, index * size : (index + 1) * size]
            if index and self.shuffle:
                features = channel_shuffle(features, self.groups)
            features = dynamic_conv2d(features, taps, self.groups)
        features = features.contiguous(memory_format=torch.channels_last)
        return torch.addcmul(kernels.shift, features, kernels.scale)
