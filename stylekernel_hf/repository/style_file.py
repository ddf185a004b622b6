"""Files of encoded styles: safetensors that name the checkpoint they belong to."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from stylekernel_hf.repository.configs import check_format_version
from stylekernel_hf.whole_file import write_whole

STYLES_NAME = "styles.safetensors"
_KIND = "stylekernel_hf styles"
_PARTS = ("key", "value", "code")


@dataclass(frozen=True)
class StyleTensors:
    """What a file of styles holds: tensors of each style by name, and who made them."""

    styles: Mapping[str, Mapping[str, Tensor]]
    checkpoint: Mapping[str, Any] | None


def write_styles(path: str | os.PathLike[str], content: StyleTensors) -> None:
    """Write a file, which appears whole or not at all."""
    target = Path(path)
    if target.suffix != ".safetensors":
        raise ValueError(f"path must end in .safetensors, got '{target}'")
    tensors = {
        f"{name}/{part}": tensor.detach().contiguous()
        for name, parts in content.styles.items()
        for part, tensor in parts.items()
    }
    metadata = {
        "format": "pt",
        "kind": _KIND,
        "format_version": "1",
        "names": json.dumps(list(content.styles)),
        "checkpoint": json.dumps(content.checkpoint),
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, save(tensors, metadata=metadata))


def read_styles(path: str | os.PathLike[str]) -> StyleTensors:
    """Read a file of styles; ValueError for any other file, FileNotFoundError for none."""
    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"style: no such file: '{source}'")
    try:
        with safe_open(source, "pt") as file:
            metadata = cast("dict[str, str] | None", file.metadata()) or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            f"style must be a safetensors file, but '{source}' is not, or not whole: {error}"
        ) from error
    if metadata.get("kind") != _KIND:
        raise ValueError(
            f"style: '{source}' holds no styles; StyleEmbedding.save writes such files"
        )
    try:
        version = int(metadata["format_version"])
        names = cast(list[str], json.loads(metadata["names"]))
        checkpoint = cast("dict[str, Any] | None", json.loads(metadata["checkpoint"]))
    except (KeyError, ValueError) as error:
        raise ValueError(f"style: the metadata of '{source}' are damaged: {error!r}") from error
    check_format_version(version, source, "style")
    expected = {f"{name}/{part}" for name in names for part in _PARTS}
    if not names or tensors.keys() != expected:
        difference = ", ".join(sorted(tensors.keys() ^ expected)[:3])
        raise ValueError(f"style: '{source}' lacks tensors or has surplus ones: {difference}")
    styles = {name: {part: tensors[f"{name}/{part}"] for part in _PARTS} for name in names}
    return StyleTensors(styles, checkpoint)
