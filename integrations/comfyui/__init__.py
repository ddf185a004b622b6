"""Nodes for ComfyUI that stylize images with stylekernel_hf."""

from __future__ import annotations

from comfy_api.v0_0_2 import ComfyExtension

from .encode_painting import EncodePainting
from .load_style_kernel import LoadStyleKernel
from .mix_styles import MixStyles
from .stylize_images import StylizeImages


class StyleKernelExtension(ComfyExtension):
    """Gives ComfyUI the nodes."""

    async def get_node_list(self) -> list[type]:
        """Return the classes of the nodes."""
        return [LoadStyleKernel, EncodePainting, MixStyles, StylizeImages]


async def comfy_entrypoint() -> StyleKernelExtension:
    """Return the extension; ComfyUI calls it when it starts."""
    return StyleKernelExtension()
