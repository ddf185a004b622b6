"""The node that encodes paintings."""

from __future__ import annotations

from comfy_api.v0_0_2 import io
from torch import Tensor

from stylekernel_hf import StyleKernelPipeline

from .socket_types import CATEGORY, Mixture, Style, StyleKernel


class EncodePainting(io.ComfyNode):
    """Encodes a painting once for any number of pictures; several are mixed in equal parts."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node to ComfyUI."""
        return io.Schema(
            node_id="StyleKernelEncodePainting",
            display_name="Encode painting",
            category=CATEGORY,
            description="Encodes a painting. The paintings of a batch are mixed in equal parts.",
            inputs=[
                StyleKernel.Input("style_kernel"),
                io.Image.Input("painting"),
                io.Int.Input(
                    "style_size",
                    default=512,
                    min=64,
                    max=4096,
                    step=64,
                    tooltip="The short side in px to which the painting is scaled first. "
                    "A larger one makes coarser strokes.",
                ),
            ],
            outputs=[Style.Output("style", display_name="style")],
        )

    @classmethod
    def execute(
        cls, style_kernel: StyleKernelPipeline, painting: Tensor, style_size: int
    ) -> io.NodeOutput:
        """Encode a batch of paintings, b x height x width x channels in [0, 1]."""
        encoded = [
            style_kernel.encode_style(each, style_size=style_size)
            for each in painting.permute(0, 3, 1, 2)
        ]
        return io.NodeOutput(Mixture(encoded, [1 / len(encoded)] * len(encoded)))
