"""Per-pixel dynamic convolution: functions, no weights of their own."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def dynamic_conv2d(
    features: Float[Tensor, "b c h w"], kernels: Float[Tensor, "b gkk h w"], groups: int
) -> Float[Tensor, "b c h w"]:
    """Filter every pixel with a kernel of its own, shared by the channels of a group.

    `kernels` holds `groups` x k x k taps per pixel, group slowest; as in `conv2d` this is a
    correlation, here with zeros around the picture. The k x k shifted features are views of one
    padded copy and are summed in turn, so that memory stays at a few times the features'.
    """
    size = round((kernels.shape[1] // groups) ** 0.5)
    height, width = features.shape[2:]
    # Rows of pixels innermost, whatever the memory format: a kernel is broadcast over the channels
    # of its group, so that with channels innermost every step would be only a few values long.
    padded = torch.nn.functional.pad(features.contiguous(), (size // 2,) * 4)
    grouped = padded.unflatten(1, (groups, -1))
    taps = kernels.contiguous().unflatten(1, (groups, size * size, 1))
    out: Tensor | None = None
    for index in range(size * size):
        row, column = divmod(index, size)
        shifted = grouped[..., row : row + height, column : column + width]
        tap = taps[:, :, index]
        out = shifted * tap if out is None else torch.addcmul(out, shifted, tap)
    assert out is not None
    return out.flatten(1, 2)


def channel_shuffle(features: Float[Tensor, "b c h w"], groups: int) -> Float[Tensor, "b c h w"]:
    """Interleave the channels of `groups` groups (ShuffleNet, Zhang et al., CVPR 2018)."""
    return features.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)
