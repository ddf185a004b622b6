"""Files of encoded styles: safetensors that name the checkpoint of the styles."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from stylekernel_hf.files.atomic_write import atomic_write
from stylekernel_hf.files.safetensors_file import read_finite
from stylekernel_hf.styles.style_format import (
    PARTS,
    check_styles_name,
    open_styles,
    styles_metadata,
)


@dataclass(frozen=True)
class StyleTensors:
    """The content of a file of styles: tensors of each style by name, and their checkpoint."""

    styles: Mapping[str, Mapping[str, Tensor]]
    checkpoint: Mapping[str, Any] | None


def write_styles(path: str | os.PathLike[str], content: StyleTensors) -> None:
    """Write a file of styles, which appears whole or not at all."""
    target = Path(path)
    check_styles_name(target)
    # Copies, because safetensors refuses tensors that share memory, as two names of a style do.
    tensors = {
        f"{name}/{part}": tensor.detach().clone(memory_format=torch.contiguous_format)
        for name, parts in content.styles.items()
        for part, tensor in parts.items()
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(target, save(tensors, styles_metadata(content.styles, content.checkpoint)))


def read_styles(path: str | os.PathLike[str]) -> StyleTensors:
    """Read a file of styles; ValueError for any other file, FileNotFoundError if it is missing.

    Sizes are checked before the tensors are read, and the tensors are finite.
    """
    source = Path(path)
    with open_styles(source, "pt") as file:
        styles = {
            name: {
                part: read_finite(
                    file.tensors, f"{name}/{part}", f"style: {name}/{part} in '{source}'"
                )
                for part in PARTS
            }
            for name in file.names
        }
        return StyleTensors(styles, file.checkpoint)
