"""The node that mixes two styles."""

from __future__ import annotations

from comfy_api.v0_0_2 import io

from .socket_types import CATEGORY, Mixture, Style


class MixStyles(io.ComfyNode):
    """Mixes two styles, each of which may be a mixture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node to ComfyUI."""
        return io.Schema(
            node_id="StyleKernelMix",
            display_name="Mix styles",
            category=CATEGORY,
            description="Mixes two styles of the same network.",
            inputs=[
                Style.Input("first"),
                Style.Input("second"),
                io.Float.Input(
                    "share",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="The share of the second style: 0 for the first alone.",
                ),
            ],
            outputs=[Style.Output("style", display_name="style")],
        )

    @classmethod
    def execute(cls, first: Mixture, second: Mixture, share: float) -> io.NodeOutput:
        """Return the mixture."""
        shares = [part * (1 - share) for part in first.shares]
        shares += [part * share for part in second.shares]
        return io.NodeOutput(Mixture(first.paintings + second.paintings, shares))
