from typing import Any

import pytest
import torch

from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.pretrained.model import StyleKernelModel

# The two presets in miniature.
TINY: dict[str, dict[str, Any]] = {
    "small": {
        "encoder_channels": (4, 8),
        "encoder_depths": (1, 2),
        "style_channels": (4, 8, 12),
        "style_depths": (1, 1, 1),
        "stem_stride": 2,
        "max_pooling": False,
        "dynamic_convolutions": (1, 2),
        "decoder_channels": (4, 8),
        "decoder_depths": (1, 1),
        "decoder_blocks": 1,
    },
    "base": {
        "encoder_channels": (4, 6, 8),
        "encoder_depths": (1, 1, 2),
        "style_channels": (4, 6, 8, 8),
        "style_depths": (1, 1, 2, 1),
        "stem_stride": 1,
        "max_pooling": False,
        "dynamic_convolutions": (1, 2),
        "decoder_channels": (6, 8),
        "decoder_depths": (1, 1),
        "decoder_blocks": 1,
    },
}


@pytest.fixture(autouse=True)
def _same_random_numbers_every_time():
    torch.manual_seed(0)


@pytest.fixture(params=TINY)
def tiny_model(request: pytest.FixtureRequest) -> StyleKernelModel:
    """A preset in miniature, its weights as random as trained ones: nothing is at the identity."""
    config = StyleKernelConfig(
        **TINY[request.param],
        attention_channels=8,
        max_style_tokens=16,
        kernel_size=3,
        kernel_groups=2,
        kernel_channels=8,
        code_channels=8,
    )
    model = StyleKernelModel(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape) * 0.2)
    return model
