"""Training of changes of low rank alone, which fit into a small file.

peft replaces modules by its own, whose `forward` adds the change. The modulated convolutions and
the kernel generator read the weights of their layers themselves, so that such changes would have no
effect. Here the weights themselves are parametrized, which holds wherever they are read.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from stylekernel_hf.training.muon import is_matrix


class LowRankChange(nn.Module):
    """Adds the product of two matrices to a weight; at first the product is zero."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        outputs, inputs = weight.flatten(1).shape
        rank = min(rank, outputs, inputs)
        self.left = nn.Parameter(weight.new_zeros(outputs, rank))
        # With this size a step of `left` changes the weight as much as a step of its own would.
        self.right = nn.Parameter(torch.randn(rank, inputs).to(weight) / rank**0.5)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the changed weight, in float32 under autocast too."""
        with torch.autocast(weight.device.type, enabled=False):
            return weight + (self.left @ self.right).view(weight.shape)


def train_changes_alone(network: nn.Module, rank: int) -> None:
    """Freeze a network, and let changes of this rank of its matrices and convolutions train.

    Args:
        network: The network, which gets parametrized weights; see `merged`.
        rank: Rows and columns that a change is made of, at least 1. The first numbers come from
            torch's generator.
    """
    network.requires_grad_(False)
    for module in [*network.modules()]:
        for name, weight in [*module.named_parameters(recurse=False)]:
            if is_matrix(weight):
                change = LowRankChange(weight.detach(), rank)
                # Lazily: safe parametrizations would compute each of them once for a check.
                parametrize.register_parametrization(module, name, change, unsafe=True)


def changes(network: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
    """Return the two matrices of each changed weight, by the weight's name."""
    found: dict[str, tuple[Tensor, Tensor]] = {}
    for place, module in network.named_modules():
        if parametrize.is_parametrized(module):
            for name, chain in cast(
                "dict[str, list[LowRankChange]]", module.parametrizations
            ).items():
                found[f"{place}.{name}"] = (chain[0].left.detach(), chain[0].right.detach())
    return found
