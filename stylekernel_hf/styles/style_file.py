"""Files of encoded styles: safetensors that name the checkpoint of the styles."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import save
from torch import Tensor

from stylekernel_hf.errors.given_values import shown
from stylekernel_hf.files.atomic_write import atomic_write
from stylekernel_hf.files.safetensors_file import listed_shape, open_tensors, read_finite
from stylekernel_hf.hub.configs import check_format_version

STYLES_NAME = "styles.safetensors"
_KIND = "stylekernel_hf styles"
PARTS = ("key", "value", "code")
MAX_SIDE = 4096
"""Bound on the tokens and the channels of a style."""
MAX_FILE_BYTES = 2**32


@dataclass(frozen=True)
class StyleTensors:
    """The content of a file of styles: tensors of each style by name, and their checkpoint."""

    styles: Mapping[str, Mapping[str, Tensor]]
    checkpoint: Mapping[str, Any] | None


def write_styles(path: str | os.PathLike[str], content: StyleTensors) -> None:
    """Write a file of styles, which appears whole or not at all."""
    target = Path(path)
    if target.suffix != ".safetensors":
        raise ValueError(f"path must end in .safetensors, got '{target}'")
    # Copies, because safetensors refuses tensors that share memory, as two names of a style do.
    tensors = {
        f"{name}/{part}": tensor.detach().clone(memory_format=torch.contiguous_format)
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
    atomic_write(target, save(tensors, metadata=metadata))


def read_styles(path: str | os.PathLike[str]) -> StyleTensors:
    """Read a file of styles; ValueError for any other file, FileNotFoundError if it is missing.

    Sizes are checked before the tensors are read, and the tensors are finite.
    """
    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"style: no such file: '{source}'")
    if source.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"style: '{source}' must have at most {MAX_FILE_BYTES} bytes, got more")
    refusal = f"style must be a safetensors file, but '{source}' is not, or not whole"
    with open_tensors(source, refusal) as file:
        metadata = cast("dict[str, str] | None", file.metadata()) or {}
        if metadata.get("kind") != _KIND:
            raise ValueError(
                f"style: '{source}' holds no styles; StyleEmbedding.save writes such files"
            )
        names, checkpoint = _read_metadata(metadata, source)
        expected = {f"{name}/{part}" for name in names for part in PARTS}
        if difference := sorted(expected ^ set(file.keys())):
            first = ", ".join(name[:100] for name in difference[:3])
            raise ValueError(f"style: '{source}' lacks tensors or has surplus ones: {first}")
        _check_sizes(file, names, source)
        styles = {
            name: {
                part: read_finite(file, f"{name}/{part}", f"style: {name}/{part} in '{source}'")
                for part in PARTS
            }
            for name in names
        }
    return StyleTensors(styles, checkpoint)


def check_style_shapes(shapes: Mapping[str, Sequence[int]], where: str) -> tuple[int, ...]:
    """Return the channels of key, value and code; ValueError unless they are of one picture."""
    for part in PARTS:
        shape = shapes[part]
        axes = ("1", "channels") if part == "code" else ("1", "tokens", "channels")
        fits = len(shape) == len(axes) and shape[0] == 1
        if not (fits and all(1 <= side <= MAX_SIDE for side in shape)):
            raise ValueError(
                f"{where} must have a {part} of {' x '.join(axes)}, for one picture and with at "
                f"most {MAX_SIDE} of each, got {shown(list(shape))}"
            )
    if shapes["key"][1] != shapes["value"][1]:
        raise ValueError(
            f"{where} must have a value for every key, got {shapes['key'][1]} keys and "
            f"{shapes['value'][1]} values"
        )
    return tuple(shapes[part][-1] for part in PARTS)


def check_style_names(names: Iterable[object]) -> None:
    """Raise ValueError for a name that a file, a card or a message cannot hold."""
    for name in names:
        bad = not isinstance(name, str) or not name.strip() or any(x in name for x in "/\n\r")
        if bad:
            raise ValueError(f"styles must have names without slashes or breaks, got {shown(name)}")


def _read_metadata(
    metadata: Mapping[str, str], source: Path
) -> tuple[list[str], Mapping[str, Any] | None]:
    """Return the names of the styles, and the entry of their checkpoint."""
    try:
        version = int(metadata["format_version"])
        names: object = json.loads(metadata["names"])
        checkpoint: object = json.loads(metadata["checkpoint"])
        if not isinstance(names, list) or not names:
            raise ValueError(f"names must be a list of at least one, got {shown(names)}")
        check_style_names(cast(list[object], names))
        if len(set(cast(list[str], names))) < len(names):
            raise ValueError("names must differ")
        if not (checkpoint is None or isinstance(checkpoint, dict)):
            raise ValueError(f"checkpoint must be an object, got {shown(checkpoint)}")
    except (KeyError, ValueError, RecursionError) as error:
        raise ValueError(f"style: the metadata of '{source}' are damaged: {error!r}") from error
    check_format_version(version, source, "style")
    return cast(list[str], names), cast("dict[str, Any] | None", checkpoint)


def _check_sizes(file: Any, names: Sequence[str], source: Path) -> None:
    """Check the shapes that an open file lists before its tensors are read."""
    channels: set[tuple[int, ...]] = set()
    for name in names:
        listed = {
            part: listed_shape(file, f"{name}/{part}", f"style: {name}/{part} in '{source}'")
            for part in PARTS
        }
        channels.add(check_style_shapes(listed, f"style {name!r} in '{source}'"))
    if len(channels) > 1:
        raise ValueError(
            f"style: '{source}' must hold styles of one checkpoint, got keys, values and codes of "
            f"{' and of '.join(map(str, sorted(channels)[:2]))} channels"
        )
