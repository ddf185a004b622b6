"""Tiny networks and pictures that several test files share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from stylekernel_hf.model import kernel_generator, style_alignment, style_kernel
from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.model.modulation import Modulation
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.pretrained.presets import PRESETS

TINY_CONFIG: dict[str, Any] = {
    "encoder_channels": (4, 8, 8),
    "encoder_depths": (1, 1, 1),
    "style_channels": (4, 8, 8, 8),
    "style_depths": (1, 1, 1, 1),
    "attention_channels": 4,
    "max_style_tokens": 16,
    "kernel_groups": 2,
    "kernel_channels": 8,
    "decoder_channels": (4, 8, 8),
    "decoder_depths": (1, 1, 1),
    "decoder_blocks": 1,
    "code_channels": 8,
}


def tiny_model(seed: int = 0) -> StyleKernelModel:
    """Build a tiny network with PyTorch's own first weights.

    With the network's own, it paints fine random patterns that a JPEG does not keep.
    """
    torch.manual_seed(seed)
    with (
        patch.object(style_kernel, "start_for_relu"),
        patch.object(kernel_generator, "start_for_relu"),
        patch.object(style_alignment, "start_linear"),
    ):
        return StyleKernelModel(StyleKernelConfig(**TINY_CONFIG)).eval()


def vivid_model(seed: int = 0) -> StyleKernelModel:
    """Build a tiny network whose pictures differ clearly from style to style."""
    model = tiny_model(seed)
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, Modulation):
            # They start as the identity: without this, all codes would do the same.
            torch.nn.init.normal_(module.affine.weight, std=1.0, generator=generator)
    with torch.no_grad():
        model.decoder.to_rgb.weight *= 40
    return model


def vgg_shaped_model(width: int = 4) -> StyleKernelModel:
    """Build a narrow network of VGG-19's geometry."""
    parts = ("encoder_channels", "style_channels", "decoder_channels")
    base = PRESETS["base"]
    channels = {part: (width,) * len(getattr(base, part)) for part in parts}
    small = {"kernel_groups": 2, "kernel_channels": 8, "attention_channels": 4, "code_channels": 8}
    return StyleKernelModel(replace(base, **channels, **small, max_pooling=True)).eval()


def save_picture(path: Path, size: tuple[int, int] = (48, 40), seed: int = 0) -> Path:
    """Write a smooth random picture of width x height px."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path)
    return path


def save_tiny_vgg(path: Path, width: int = 4) -> Path:
    """Write VGG-19's convolutions with `width` channels each and random weights."""
    generator = torch.Generator().manual_seed(0)
    positions = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)
    weights: dict[str, torch.Tensor] = {}
    for position in positions:
        channels = 3 if position == 0 else width
        weights[f"features.{position}.weight"] = (
            torch.randn(width, channels, 3, 3, generator=generator) * (2 / (9 * channels)) ** 0.5
        )
        weights[f"features.{position}.bias"] = torch.zeros(width)
    save_file(weights, path)
    return path
