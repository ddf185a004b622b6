"""What is kept of a step that failed, to look at and to repeat it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch

from stylekernel_hf.hub.weights_writing import write_tensors
from stylekernel_hf.images.tensors import from_rgb_tensor
from stylekernel_hf.images.writing import save_image
from stylekernel_hf.training.crops import CropPair


def save_failed_step(
    folder: Path, batches: Sequence[CropPair], terms: dict[str, float], step: int
) -> None:
    """Write a step's crops as pictures and, with their numbers and the terms, as safetensors."""
    folder.mkdir(parents=True, exist_ok=True)
    inputs = {
        name: torch.cat([torch.as_tensor(getattr(batch, name)).cpu() for batch in batches])
        for name in CropPair._fields
    }
    metadata = {"step": str(step), "terms": json.dumps(terms)}
    write_tensors(folder / "inputs.safetensors", inputs, metadata)
    for kind in ("content", "style"):
        for number, crop in enumerate(inputs[kind]):
            picture = from_rgb_tensor(crop[None], output_type="pil")
            save_image(picture, folder / f"{kind}_{number}.png")
