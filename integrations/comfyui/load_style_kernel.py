"""The node that loads a network."""

from __future__ import annotations

import hashlib
from pathlib import Path

from comfy.model_management import get_torch_device
from comfy_api.v0_0_2 import io

from stylekernel_hf import pipeline

from .socket_types import CATEGORY, StyleKernel


class LoadStyleKernel(io.ComfyNode):
    """Loads a network: the one of stylekernel_hf, a folder, an adapter, or one of the Hub."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node to ComfyUI."""
        return io.Schema(
            node_id="StyleKernelLoad",
            display_name="Load style kernel",
            category=CATEGORY,
            description="Loads the network that stylizes.",
            inputs=[
                io.String.Input(
                    "model",
                    default="",
                    placeholder="the weights that come with stylekernel-hf",
                    tooltip="A folder, an adapter that stylekernel finetune --rank wrote "
                    "(.safetensors), or a repository owner/name on the Hugging Face Hub. Empty "
                    "for the weights that come with stylekernel-hf. No code of it is run.",
                )
            ],
            outputs=[StyleKernel.Output("style_kernel", display_name="style_kernel")],
        )

    @classmethod
    def execute(cls, model: str) -> io.NodeOutput:
        """Return the pipeline, on the device that ComfyUI uses."""
        name = model.strip() or None
        return io.NodeOutput(pipeline("style-kernel", model=name, device=get_torch_device()))

    @classmethod
    def fingerprint_inputs(cls, model: str) -> str:
        """Return a hash of the times and sizes of local files: ComfyUI loads changed ones again."""
        place = Path(model.strip())
        files = [place]
        if model.strip() and place.is_dir():
            files = sorted(
                each for kind in ("safetensors", "json") for each in place.rglob(f"*.{kind}")
            )
        states = [(str(file), file.stat()) for file in files if file.is_file()]
        seen = [(name, state.st_mtime_ns, state.st_size) for name, state in states]
        return hashlib.sha256(repr(seen).encode()).hexdigest()
