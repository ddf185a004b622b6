"""The checkpoint that comes with the package, and loading of checkpoints in short."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from stylekernel_hf.hub.configs import CONFIG_NAME
from stylekernel_hf.hub.layout import EMBEDDED_CHECKPOINT, EMBEDDED_NAME
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
    """Load a model from a folder, or from a Hub repository "owner/name"; in float32 by default.

    The folder is one that `save_pretrained` of the model or of the pipeline wrote, or holds one
    named "model". Loading is strict: FileNotFoundError for what is not there, ValueError for what
    does not fit to the last tensor; see `StyleKernelModel.from_pretrained`.
    """
    source = open_source(folder, access or HubAccess())
    model = load_strictly(StyleKernelModel, source, variant, dtype)
    if Path(folder) == EMBEDDED_CHECKPOINT:
        model.origin = EMBEDDED_NAME
    return model
