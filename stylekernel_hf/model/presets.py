"""The two presets: configs of StyleKernelModel by name."""

from __future__ import annotations

from typing import Any

from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.model.style_kernel import StyleKernelModel


def _changes(config: StyleKernelConfig) -> dict[str, Any]:
    """Return the fields of a config that are not as the defaults."""
    usual = vars(StyleKernelConfig())
    return {name: value for name, value in vars(config).items() if value != usual[name]}


PRESETS: dict[str, dict[str, Any]] = {
    "small": _changes(StyleKernelConfig.small()),
    "base": _changes(StyleKernelConfig.base()),
}
"""Keywords of StyleKernelModel, without those that are as its defaults."""


def build_model(preset: str, *, max_pooling: bool = False) -> StyleKernelModel:
    """Build a preset with random weights; ValueError for an unknown name."""
    if preset not in PRESETS:
        known = " or ".join(repr(name) for name in PRESETS)
        raise ValueError(f"preset must be {known}, got {preset!r}")
    return StyleKernelModel(**PRESETS[preset], max_pooling=max_pooling)
