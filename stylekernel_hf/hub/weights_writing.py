"""Writing of weights as safetensors, in one file or in shards that name their set.

huggingface_hub splits them. Its `save_torch_model` would write no metadata into shards.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import split_torch_state_dict_into_shards
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from stylekernel_hf.hub.configs import CONFIG_NAME, config_text
from stylekernel_hf.hub.saved_together import saved_notes
from stylekernel_hf.hub.weights import index_name, weights_name
from stylekernel_hf.hub.weights_digest import weights_digest

_ERROR_NUMBER = re.compile(r"os error (\d+)")


def write_network(
    folder: Path,
    tensors: Mapping[str, Tensor],
    config: Mapping[str, Any],
    *,
    checkpoint_id: str,
    variant: str | None,
    max_shard_size: int | str,
) -> None:
    """Write config and weights into a folder.

    Every file of weights also holds the config that it was saved with, and every shard a digest of
    all tensors, so that loading refuses files of two saves that lie side by side.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG_NAME).write_text(config_text(config, checkpoint_id), encoding="utf-8")
    pattern = weights_name(variant).replace(".safetensors", "{suffix}.safetensors")
    try:
        split = split_torch_state_dict_into_shards(
            dict(tensors), filename_pattern=pattern, max_shard_size=max_shard_size
        )
    except ValueError as error:
        raise ValueError(
            f"max_shard_size must be bytes or a size such as '15MB', got {max_shard_size!r}"
        ) from error
    metadata = saved_notes(config, weights_digest(tensors) if split.is_sharded else None)
    if split.is_sharded:
        index = {"metadata": split.metadata, "weight_map": split.tensor_to_filename}
        text = json.dumps(index, indent=2, sort_keys=True) + "\n"
        (folder / index_name(variant)).write_text(text, encoding="utf-8")
    for filename, names in split.filename_to_tensors.items():
        write_tensors(folder / filename, {name: tensors[name] for name in names}, metadata)
        # safetensors makes files that only their owner may read.
        shutil.copymode(folder / CONFIG_NAME, folder / filename)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file; OSError with the system's number if the disk is full."""
    try:
        save_file({name: x.contiguous() for name, x in tensors.items()}, path, metadata=metadata)
    except SafetensorError as error:
        match = _ERROR_NUMBER.search(str(error))
        if match is None:
            raise OSError(f"cannot write '{path}': {error}") from error
        number = int(match[1])
        raise OSError(number, os.strerror(number), str(path)) from error
