"""Training of a scale and a shift of every channel alone: SSF (Lian et al., NeurIPS 2022).

A step of Muon or Adam turns weights, but changes their size little: hundreds of steps are needed
before the outputs of a layer are a quarter larger. How much the aligned feature varies, say, is
such a size. Here each channel's outputs are scaled about their mean over some pairs, and shifted by
a share of their deviation, so that one learning rate suits channels of all sizes. Scales and shifts
are merged into weights and biases.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from stylekernel_hf.model.kernel_generator import KernelGenerator
from stylekernel_hf.model.modulation import ModulatedConv2d
from stylekernel_hf.model.style_kernel import StyleKernelNetwork
from stylekernel_hf.ops.activation import relu_
from stylekernel_hf.training.crops import CropPair, unit_batch

# Pairs that means and deviations are measured on.
PAIRS = 8

Layer = nn.Conv2d | nn.Linear


class ScaledWeight(nn.Module):
    """Scales the rows of a weight, which make a channel each; at first by 1."""

    def __init__(self, log_scale: nn.Parameter) -> None:
        super().__init__()
        self.log_scale = log_scale

    def forward(self, weight: Tensor) -> Tensor:
        """Return the scaled weight."""
        return weight * self.log_scale.exp().view(-1, *[1] * (weight.ndim - 1))


class ShiftedBias(nn.Module):
    """Keeps the mean of scaled outputs, and then shifts them; at first by 0."""

    mean: Float[Tensor, " o"]
    deviation: Float[Tensor, " o"]

    def __init__(self, log_scale: nn.Parameter, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros_like(mean))
        # The weight's, in a list that hides it from `parameters`: it is saved once.
        self._log_scale = [log_scale]
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

    def forward(self, bias: Tensor) -> Tensor:
        """Return the bias of the scaled and shifted outputs."""
        scale = self._log_scale[0].exp()
        return bias * scale + self.mean * (1 - scale) + self.deviation * self.shift


class _Moments(NamedTuple):
    """Mean and mean square of a layer's outputs, channel by channel."""

    mean: Float[Tensor, " o"]
    square: Float[Tensor, " o"]


def train_scales_and_shifts_alone(network: StyleKernelNetwork, pairs: Iterable[CropPair]) -> None:
    """Freeze a network, and let a scale and a shift of each channel of its layers train.

    Layers whose weights are frozen already get none. The outputs are measured on `pairs`.

    Args:
        network: The network, which gets parametrized weights; see `merged`.
        pairs: Crops of contents and styles, which the network paints once.
    """
    moments = _measured(network, pairs)
    trained = [layer for layer in moments if layer.weight.requires_grad]
    network.requires_grad_(False)
    for layer in trained:
        mean, square = (torch.stack(part).mean(dim=0) for part in zip(*moments[layer], strict=True))
        deviation = (square - mean.square()).clamp_min(0).sqrt()
        log_scale = nn.Parameter(torch.zeros_like(mean))
        # Lazily: safe parametrizations would compute each of them once for a check.
        register = parametrize.register_parametrization
        register(layer, "weight", ScaledWeight(log_scale), unsafe=True)
        register(layer, "bias", ShiftedBias(log_scale, mean, deviation), unsafe=True)


@torch.no_grad()
def _measured(
    network: StyleKernelNetwork, pairs: Iterable[CropPair]
) -> dict[Layer, list[_Moments]]:
    """Return the moments of every layer's outputs for each of the pairs."""
    moments: dict[Layer, list[_Moments]] = {}

    def measure(layer: Layer, _: object, outputs: Tensor) -> None:
        channels = outputs.float().transpose(0, 1).flatten(1)
        found = _Moments(channels.mean(dim=1), channels.square().mean(dim=1))
        moments.setdefault(layer, []).append(found)

    handles = []
    for module in network.modules():
        if isinstance(module, Layer):
            handles.append(module.register_forward_hook(measure))
        elif isinstance(module, ModulatedConv2d | KernelGenerator):
            handles.append(module.register_forward_pre_hook(_call_layers))
    try:
        for pair in pairs:
            crops = (pair.content, pair.style)
            content, style = (unit_batch(crop[None], network.device) for crop in crops)
            network(content, network.encode_style(style))
    finally:
        for handle in handles:
            handle.remove()
    return moments


def _call_layers(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    """Call the layers whose weights a module reads itself, so that their hooks see the outputs.

    Upsampling comes before some of them; it keeps the mean and nearly the deviation.
    """
    if isinstance(module, ModulatedConv2d):
        module.convolution(inputs[0])
    elif isinstance(module, KernelGenerator):
        module.head(relu_(module.hidden(inputs[0])))
