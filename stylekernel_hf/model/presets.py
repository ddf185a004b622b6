"""The two presets: configs of StyleKernelModel by name."""

from __future__ import annotations

from typing import Any

from stylekernel_hf.model.style_kernel import StyleKernelModel

PRESETS: dict[str, dict[str, Any]] = {
    # The embedded default: the defaults of StyleKernelModel.
    "small": {},
    # The paper's full network for GPUs: VGG-19's geometry to relu4_1, stride 8.
    "base": {
        "encoder_channels": (64, 128, 256, 512),
        "encoder_depths": (2, 2, 4, 1),
        "style_channels": (64, 128, 256, 512),
        "style_depths": (2, 2, 4, 1),
        "stem_stride": 1,
        "max_pooling": True,
        "attention_channels": 512,
        "max_style_tokens": 4096,
        "kernel_size": 3,
        "kernel_groups": 16,
        "kernel_channels": 256,
        "dynamic_convolutions": (2,),
        "decoder_channels": (64, 128, 256, 512),
        "decoder_depths": (1, 2, 4, 1),
        "decoder_blocks": 0,
        "code_channels": 512,
    },
}


def build_model(preset: str) -> StyleKernelModel:
    """Build a preset with random weights; ValueError for an unknown name."""
    if preset not in PRESETS:
        known = " or ".join(repr(name) for name in PRESETS)
        raise ValueError(f"preset must be {known}, got {preset!r}")
    return StyleKernelModel(**PRESETS[preset])
