"""The two presets by name."""

from __future__ import annotations

from dataclasses import replace

from stylekernel_hf.hub.card_sections import PRESETS
from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.pretrained.model import StyleKernelModel


def preset_config(preset: str) -> StyleKernelConfig:
    """Return the config of a preset; ValueError for an unknown name."""
    if preset not in PRESETS:
        known = " or ".join(repr(name) for name in PRESETS)
        raise ValueError(f"preset must be {known}, got {preset!r}")
    return PRESETS[preset]


def build_model(preset: str, *, max_pooling: bool = False) -> StyleKernelModel:
    """Build a preset with random weights.

    Args:
        preset: "small" or "base".
        max_pooling: Whether the encoders have max pooling between their stages, as VGG-19 does,
            instead of strides.

    Returns:
        The network, in training mode.

    Raises:
        ValueError: The preset is unknown.

    Example:
        >>> from stylekernel_hf import build_model
        >>> build_model("small").config.kernel_size
        3
    """
    return StyleKernelModel(replace(preset_config(preset), max_pooling=max_pooling))
