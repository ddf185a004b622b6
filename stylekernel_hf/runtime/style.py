"""Encoded paintings of the other runtimes, in memory and in files."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from safetensors.numpy import save

from stylekernel_hf.files.atomic_write import atomic_write
from stylekernel_hf.files.safetensors_arrays import StoredArrays, check_finite
from stylekernel_hf.hub.checkpoint_identity import CheckpointIdentity
from stylekernel_hf.runtime.engines import Floats
from stylekernel_hf.styles.style_format import (
    PARTS,
    check_style_shapes,
    check_styles_name,
    open_styles,
    styles_metadata,
)

_ONE = "style"


@dataclass(frozen=True)
class RuntimeStyle:
    """An encoded painting; `RuntimePipeline.encode_style` makes it.

    Its files are those of StyleEmbedding: each class reads what the other has written.

    Attributes:
        key: Keys of m style tokens, 1 x m x d.
        value: Their values, 1 x m x s.
        code: The style code, 1 x e.
        checkpoint: Name and id of the checkpoint that encoded it, if they are known.
    """

    key: Floats
    value: Floats
    code: Floats
    checkpoint: CheckpointIdentity | None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the style to a safetensors file, which appears whole or not at all.

        Args:
            path: The file, whose name ends in .safetensors. Its folder is created if need be.

        Raises:
            ValueError: The name has another ending.
            OSError: The file cannot be written.
        """
        target = Path(path)
        check_styles_name(target)
        arrays = {
            f"{_ONE}/{part}": np.ascontiguousarray(getattr(self, part), np.float32)
            for part in PARTS
        }
        checkpoint = None if self.checkpoint is None else self.checkpoint.to_json()
        target.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(target, save(arrays, styles_metadata([_ONE], checkpoint)))


def read_runtime_style(path: str | os.PathLike[str]) -> RuntimeStyle:
    """Read a file of one style.

    FileNotFoundError if it is missing, ValueError if it is damaged or holds several styles.
    """
    styles = read_runtime_styles(path)
    if len(styles) != 1:
        raise ValueError(
            f"style: '{path}' holds {len(styles)} styles ({', '.join(list(styles)[:10])}): "
            "load it as a StyleLibrary"
        )
    return next(iter(styles.values()))


def read_runtime_styles(path: str | os.PathLike[str]) -> dict[str, RuntimeStyle]:
    """Read a file of styles by name; the errors are those of `StyleLibrary.load`."""
    source = Path(path)
    with open_styles(source, "np") as file:
        recorded = file.checkpoint
        identity = None if recorded is None else CheckpointIdentity.from_json(recorded, path)
        stored = StoredArrays(source)
        return {
            name: RuntimeStyle(
                *(
                    stored.read_finite(f"{name}/{part}", f"style: {name}/{part} in '{path}'")
                    for part in PARTS
                ),
                checkpoint=identity,
            )
            for name in file.names
        }


def as_runtime_style(style: object) -> RuntimeStyle | None:
    """Return an encoded style of this runtime or of PyTorch, and None for anything else."""
    if isinstance(style, RuntimeStyle):
        return style
    # Only a program that has loaded the class can hold one, and loading it takes a second.
    module = sys.modules.get("stylekernel_hf.styles.embedding")
    if module is None or not isinstance(style, module.StyleEmbedding):
        return None
    parts = [getattr(style, part).detach().float().cpu().numpy() for part in PARTS]
    return RuntimeStyle(*parts, checkpoint=cast(Any, style).checkpoint)


def fit_style(
    style: RuntimeStyle, name: str, channels: tuple[int, ...], identity: CheckpointIdentity
) -> RuntimeStyle:
    """Return the style; ValueError unless the checkpoint of this identity may have encoded it.

    `channels` are those of its key, value and code.
    """
    if style.checkpoint is not None and not style.checkpoint.may_be(identity):
        raise ValueError(
            f"{name} was encoded by another checkpoint, '{style.checkpoint.name}', and this "
            f"is '{identity.name}': load that one, or encode the painting anew"
        )
    actual = check_style_shapes({part: getattr(style, part).shape for part in PARTS}, name)
    if actual != channels:
        raise ValueError(
            f"{name} was encoded by another checkpoint: its key, value and code are "
            f"{actual} wide, not {channels}"
        )
    for part in PARTS:
        check_finite(getattr(style, part), f"{name}: its {part}")
    return style
