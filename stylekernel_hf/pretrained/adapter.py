"""Adapters: small files of what fine-tuning changed in the weights of a checkpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import save
from torch import Tensor, nn

from stylekernel_hf.files.atomic_write import atomic_write
from stylekernel_hf.files.safetensors_file import as_finite, read_finite
from stylekernel_hf.files.safetensors_header import listed_shape, open_tensors
from stylekernel_hf.hub.checkpoint_identity import CheckpointIdentity, check_id
from stylekernel_hf.hub.configs import check_format_version
from stylekernel_hf.pretrained.identified_network import IdentifiedNetwork

ADAPTER_NAME = "adapter.safetensors"
_KIND = "stylekernel_hf adapter"
_LEFT, _RIGHT = ".left", ".right"


@dataclass(frozen=True)
class Adapter:
    """Changes of weights as products of two matrices of low rank (LoRA, Hu et al., ICLR 2022).

    `changes` holds, by the names of the weights, `left`, outputs x rank, and `right`, rank x
    inputs. A convolution's inputs are all that an output sees. `base` is the checkpoint that they
    change, `checkpoint_id` the id of the result.
    """

    changes: Mapping[str, tuple[Tensor, Tensor]]
    base: CheckpointIdentity
    checkpoint_id: str


def write_adapter(path: str | os.PathLike[str], adapter: Adapter) -> None:
    """Write an adapter in float16, as a safetensors file that appears whole or not at all."""
    tensors: dict[str, Tensor] = {}
    for name, (left, right) in adapter.changes.items():
        for part, matrix in ((_LEFT, left), (_RIGHT, right)):
            rounded = as_finite(matrix.detach().cpu(), f"{name}{part}", torch.float16)
            tensors[name + part] = rounded.contiguous()
    metadata = {
        "format": "pt",
        "kind": _KIND,
        "format_version": "1",
        "base": adapter.base.name,
        "base_id": adapter.base.id or "",
        "checkpoint_id": adapter.checkpoint_id,
    }
    atomic_write(path, save(tensors, metadata=metadata))


def read_adapter(path: str | os.PathLike[str], network: nn.Module) -> Adapter:
    """Read an adapter for a network, in float32.

    Raises FileNotFoundError if there is no such file, and ValueError for one that holds no adapter,
    or numbers, names or shapes that do not fit the network. Sizes are checked before tensors are
    read.
    """
    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"adapter: no such file: '{source}'")
    weights = dict(network.named_parameters())
    with open_tensors(source, f"adapter must be a safetensors file, but '{source}' is not") as file:
        metadata = cast("dict[str, str] | None", file.metadata()) or {}
        base, checkpoint_id = _read_metadata(metadata, source)
        names = {key.rpartition(".")[0] for key in file.keys()}  # noqa: SIM118  # It is no mapping.
        expected = {name + part for name in names for part in (_LEFT, _RIGHT)}
        if strange := sorted((names - weights.keys()) | (expected ^ set(file.keys()))):
            raise ValueError(
                f"adapter: '{source}' lacks tensors or has surplus ones: {strange[0][:100]}"
            )
        changes = {name: _read_change(file, name, weights[name], source) for name in sorted(names)}
    return Adapter(changes, base, checkpoint_id)


def apply_adapter(network: IdentifiedNetwork, path: str | os.PathLike[str]) -> None:
    """Add the changes of an adapter's file to the weights of the network, all or none of them.

    Raises ValueError if the file changes another checkpoint, and what `read_adapter` raises.
    """
    adapter = read_adapter(path, network)
    if network.checkpoint_id != adapter.base.id:
        raise ValueError(
            f"adapter: '{Path(path)}' changes the checkpoint '{adapter.base.name}' "
            f"({adapter.base.id}), and the network is another one ({network.checkpoint_id})"
        )
    changed: dict[str, Tensor] = {}
    weights = dict(network.named_parameters())
    for name, (left, right) in adapter.changes.items():
        weight = weights[name]
        change = (left @ right).view(weight.shape).to(weight.device)
        changed[name] = as_finite(
            weight.detach().float() + change, f"adapter: {name} of '{path}'", weight.dtype
        )
    with torch.no_grad():
        for name, tensor in changed.items():
            weights[name].copy_(tensor)
    network.identify(adapter.checkpoint_id)


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


def _read_change(file: Any, name: str, weight: Tensor, source: Path) -> tuple[Tensor, Tensor]:
    where = f"adapter: {name} in '{source}'"
    left, right = (listed_shape(file, name + part, where) for part in (_LEFT, _RIGHT))
    outputs = weight.shape[0]
    inputs = weight.numel() // outputs
    fits = len(left) == len(right) == 2 and (left[0], right[1]) == (outputs, inputs)
    if not fits or left[1] != right[0] or not 1 <= left[1] <= min(outputs, inputs):
        raise ValueError(
            f"{where} must be matrices of {outputs} x rank and rank x {inputs}, got {left} and "
            f"{right}"
        )
    return (
        read_finite(file, name + _LEFT, where, torch.float32),
        read_finite(file, name + _RIGHT, where, torch.float32),
    )
