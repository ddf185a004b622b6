"""The two presets: configs of StyleKernelModel by name."""

from __future__ import annotations

from typing import Any

from stylekernel_hf.model.style_kernel import StyleKernelModel

PRESETS: dict[str, dict[str, Any]] = {
    # The embedded default: the defaults of StyleKernelModel.
    "small": {},
    # The paper's full network for GPUs: VGG-19's widths and depths, features at stride 8. It can
    # hold all of "small", which its training starts from: hence strides in place of max pooling,
    # one more convolution at stride 8, and a pixel shuffle as the decoder's last step.
    "base": {
        "encoder_channels": (64, 128, 256, 512),
        "encoder_depths": (2, 2, 4, 2),
        "style_channels": (64, 128, 256, 512, 512),
        "style_depths": (2, 2, 4, 4, 4),
        "stem_stride": 1,
        "attention_channels": 512,
        "max_style_tokens": 1024,
        "kernel_groups": 16,
        "kernel_channels": 256,
        "decoder_channels": (128, 256, 512),
        "decoder_depths": (2, 4, 1),
        "code_channels": 512,
    },
}


def build_model(preset: str, *, max_pooling: bool = False) -> StyleKernelModel:
    """Build a preset with random weights; ValueError for an unknown name."""
    if preset not in PRESETS:
        known = " or ".join(repr(name) for name in PRESETS)
        raise ValueError(f"preset must be {known}, got {preset!r}")
    return StyleKernelModel(**PRESETS[preset], max_pooling=max_pooling)
