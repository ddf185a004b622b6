"""Loading of checkpoints, with the embedded checkpoint by name."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from stylekernel_hf.hub.configs import CONFIG_NAME
from stylekernel_hf.hub.embedded import EMBEDDED_CHECKPOINT, EMBEDDED_NAME
from stylekernel_hf.hub.sources import HubAccess, open_source
from stylekernel_hf.hub.weights import WEIGHTS_NAME
from stylekernel_hf.pretrained.model import StyleKernelModel, load_strictly

__all__ = ["CONFIG_NAME", "EMBEDDED_CHECKPOINT", "WEIGHTS_NAME", "load_checkpoint"]


def load_checkpoint(
    folder: str | os.PathLike[str],
    *,
    access: HubAccess | None = None,
    variant: str | None = None,
    dtype: torch.dtype = torch.float32,
) -> StyleKernelModel:
    """Load a network on the CPU from a folder or a Hub repository.

    Args:
        folder: A folder that `save_pretrained` of the network or of the pipeline wrote, a Hub
            repository "owner/name", or the file of an adapter for the embedded checkpoint.
        access: How a repository on the Hub is read.
        variant: The infix of the weights' file name, such as "fp16".
        dtype: The dtype of the weights: torch.float32, torch.bfloat16 or torch.float16.

    Returns:
        The network, ready for inference.

    Raises:
        FileNotFoundError: A folder or a file is missing.
        ValueError: The config or the weights do not fit; see `StyleKernelModel.from_pretrained`.
    """
    if Path(folder).suffix == ".safetensors" and Path(folder).is_file():
        adapted = load_checkpoint(EMBEDDED_CHECKPOINT)
        adapted.load_adapter(folder)
        return adapted.to(dtype)
    source = open_source(folder, access or HubAccess())
    model = load_strictly(StyleKernelModel, source, variant, dtype)
    if Path(folder) == EMBEDDED_CHECKPOINT:
        model.origin = EMBEDDED_NAME
    return model
