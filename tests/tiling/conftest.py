"""Networks of both kinds in miniature, their weights as random as trained ones."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.pretrained.model import StyleKernelModel
from tests.tiny import TINY_CONFIG

CONFIGS: dict[str, dict[str, Any]] = {
    "small": {},
    # A style encoder that is coarser by two stages, other depths, a larger kernel.
    "deep": {
        "encoder_depths": (2, 1, 2),
        "style_channels": (4, 8, 8, 8, 6),
        "style_depths": (1, 3, 1, 1, 2),
        "decoder_depths": (2, 1, 1),
        "dynamic_convolutions": (1, 1, 2),
        "kernel_size": 5,
        "decoder_blocks": 0,
    },
    # Like the preset base: no stem, a decoder that stops at stride 2.
    "base": {
        "encoder_channels": (4, 4, 8, 8),
        "encoder_depths": (1, 1, 2, 1),
        "style_channels": (4, 8, 8, 8, 6),
        "style_depths": (1, 1, 1, 1, 1),
        "stem_stride": 1,
        "kernel_groups": 4,
    },
    # What the ablations leave.
    "bare": {
        "gating": False,
        "max_style_tokens": 1,
        "dynamic_convolutions": (0, 2),
        "channel_shuffle": False,
    },
    # As VGG-19: no stem, max pooling, dynamic convolutions at the coarsest level.
    "pooled": {
        "style_channels": (4, 8, 8),
        "style_depths": (1, 1, 1),
        "stem_stride": 1,
        "max_pooling": True,
        "dynamic_convolutions": (2,),
    },
}


@pytest.fixture(params=CONFIGS, scope="session")
def model(request: pytest.FixtureRequest) -> StyleKernelModel:
    generator = torch.Generator().manual_seed(0)
    model = StyleKernelModel(StyleKernelConfig(**{**TINY_CONFIG, **CONFIGS[request.param]})).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            spread = 1.2 / max(1, parameter[0].numel()) ** 0.5 if parameter.ndim > 1 else 0.2
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)
        # Pictures between black and white: where they are neither, differences show.
        for parameter in model.decoder.to_rgb.parameters():
            parameter.mul_(0.3)
    return model.requires_grad_(False)


@pytest.fixture(scope="session")
def photo() -> torch.Tensor:
    """Smooth shapes, noise, and a brightness that rises from left to right; 150 x 221 px, uint8."""
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(1, 3, 7, 9, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (150, 221), mode="bilinear")
    noise = torch.rand(1, 3, 150, 221, generator=generator)
    rising = torch.linspace(0, 1, 221)
    return ((smooth * 0.5 + noise * 0.2 + rising * 0.3) * 255).to(torch.uint8)
