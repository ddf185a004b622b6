"""What the nodes pass on to each other besides ComfyUI's images and masks."""

from __future__ import annotations

from typing import NamedTuple

from comfy_api.v0_0_2 import io

from stylekernel_hf import StyleEmbedding

CATEGORY = "image/style kernel"

StyleKernel = io.Custom("STYLE_KERNEL")
"""A StyleKernelPipeline."""

Style = io.Custom("STYLE_KERNEL_STYLE")
"""A Mixture."""


class Mixture(NamedTuple):
    """Encoded paintings, and the share of each, which sum to 1."""

    paintings: list[StyleEmbedding]
    shares: list[float]
