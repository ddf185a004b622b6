"""What tests of evaluation share: a tiny feature network, and what an ablation trains with."""

import itertools

import pytest
import torch
from torch import nn

from stylekernel_hf.metrics.perceptual import PerceptualNetwork
from tests.training.conftest import fresh_accelerator, settings

__all__ = ["fresh_accelerator", "network", "settings"]


@pytest.fixture(scope="package")
def network() -> PerceptualNetwork:
    """Five levels of one 3x3 convolution each."""
    generator = torch.Generator().manual_seed(0)
    widths = (3, 4, 4, 6, 6, 8)
    blocks = [
        [nn.Conv2d(before, after, 3, padding=1)] for before, after in itertools.pairwise(widths)
    ]
    for (layer,) in blocks:
        nn.init.kaiming_normal_(layer.weight, generator=generator)
        nn.init.constant_(layer.bias, 0.1)
    input_layer = nn.Conv2d(3, 3, 1)
    nn.init.dirac_(input_layer.weight)
    nn.init.constant_(input_layer.bias, -0.5)
    return PerceptualNetwork(input_layer, blocks)
