"""Files of adapters: their layout, and what is checked before their numbers are read."""

from __future__ import annotations

import math
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from stylekernel_hf.files.safetensors_header import listed_shape, open_tensors
from stylekernel_hf.hub.checkpoint_identity import CheckpointIdentity, check_id
from stylekernel_hf.hub.configs import check_format_version

ADAPTER_NAME = "adapter.safetensors"
LEFT, RIGHT = ".left", ".right"
_KIND = "stylekernel_hf adapter"


def adapter_metadata(base: CheckpointIdentity, checkpoint_id: str) -> dict[str, str]:
    """Return the metadata of a file: the checkpoint that it changes, and the id of the result."""
    return {
        "format": "pt",
        "kind": _KIND,
        "format_version": "1",
        "base": base.name,
        "base_id": base.id or "",
        "checkpoint_id": checkpoint_id,
    }


@dataclass(frozen=True)
class AdapterFile:
    """An open file whose names, types and shapes fit the network.

    `names` are those of the weights that it changes, `tensors` gives `left` and `right` of them.
    """

    path: Path
    tensors: Any
    names: list[str]
    base: CheckpointIdentity
    checkpoint_id: str

    def where(self, name: str) -> str:
        """Return the place of a change, for messages."""
        return f"adapter: {name} in '{self.path}'"

    def check_base(self, checkpoint_id: str | None) -> None:
        """Raise ValueError unless the network's id is that of the checkpoint that it changes."""
        if checkpoint_id != self.base.id:
            raise ValueError(
                f"adapter: '{self.path}' changes the checkpoint '{self.base.name}' "
                f"({self.base.id}), and the network is another one ({checkpoint_id})"
            )


@contextmanager
def open_adapter(
    path: str | os.PathLike[str],
    shapes: Mapping[str, tuple[int, ...]],
    framework: Literal["pt", "np"] = "pt",
) -> Generator[AdapterFile]:
    """Open the file of an adapter for a network whose weights have these shapes.

    Raises FileNotFoundError if there is no such file, and ValueError for one that holds no adapter,
    or names, types or shapes that do not fit the network. With the framework "np", torch is not
    imported.
    """
    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"adapter: no such file: '{source}'")
    refusal = f"adapter must be a safetensors file, but '{source}' is not"
    with open_tensors(source, refusal, framework) as tensors:
        metadata = cast("dict[str, str] | None", tensors.metadata()) or {}
        base, checkpoint_id = _read_metadata(metadata, source)
        keys: set[str] = set(tensors.keys())
        names = {key.rpartition(".")[0] for key in keys}
        expected = {name + part for name in names for part in (LEFT, RIGHT)}
        if strange := sorted((names - shapes.keys()) | (expected ^ keys)):
            raise ValueError(
                f"adapter: '{source}' lacks tensors or has surplus ones: {strange[0][:100]}"
            )
        file = AdapterFile(source, tensors, sorted(names), base, checkpoint_id)
        for name in file.names:
            _check_shapes(file, name, shapes[name])
        yield file


def changed_checkpoint(path: Path) -> CheckpointIdentity:
    """Return the checkpoint that an adapter's file changes; ValueError for any other file."""
    refusal = f"adapter must be a safetensors file, but '{path}' is not"
    with open_tensors(path, refusal, "np") as tensors:
        return _read_metadata(tensors.metadata() or {}, path)[0]


def _read_metadata(metadata: Mapping[str, str], source: Path) -> tuple[CheckpointIdentity, str]:
    if metadata.get("kind") != _KIND:
        raise ValueError(
            f"adapter: '{source}' holds no adapter; stylekernel finetune --rank writes such files"
        )
    try:
        version = int(metadata["format_version"])
        base = CheckpointIdentity(metadata["base"][:300], check_id(metadata["base_id"]))
        checkpoint_id = check_id(metadata["checkpoint_id"])
        assert checkpoint_id is not None
    except (KeyError, ValueError) as error:
        raise ValueError(f"adapter: the metadata of '{source}' are damaged: {error!r}") from error
    check_format_version(version, source, "adapter")
    return base, checkpoint_id


def _check_shapes(file: AdapterFile, name: str, shape: tuple[int, ...]) -> None:
    where = file.where(name)
    left, right = (listed_shape(file.tensors, name + part, where) for part in (LEFT, RIGHT))
    outputs = shape[0]
    inputs = math.prod(shape[1:])
    fits = len(left) == len(right) == 2 and (left[0], right[1]) == (outputs, inputs)
    if not fits or left[1] != right[0] or not 1 <= left[1] <= min(outputs, inputs):
        raise ValueError(
            f"{where} must be matrices of {outputs} x rank and rank x {inputs}, got {left} and "
            f"{right}"
        )
