"""Adapters: small files of what fine-tuning changed in the weights of a checkpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from safetensors.torch import save
from torch import Tensor

from stylekernel_hf.files.atomic_write import atomic_write
from stylekernel_hf.files.safetensors_file import as_finite, read_finite
from stylekernel_hf.hub.checkpoint_identity import CheckpointIdentity
from stylekernel_hf.pretrained.adapter_file import (
    ADAPTER_NAME,
    LEFT,
    RIGHT,
    adapter_metadata,
    open_adapter,
)
from stylekernel_hf.pretrained.identified_network import IdentifiedNetwork

__all__ = ["ADAPTER_NAME", "Adapter", "apply_adapter", "write_adapter"]


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
        for part, matrix in ((LEFT, left), (RIGHT, right)):
            rounded = as_finite(matrix.detach().cpu(), f"{name}{part}", torch.float16)
            tensors[name + part] = rounded.contiguous()
    metadata = adapter_metadata(adapter.base, adapter.checkpoint_id)
    atomic_write(path, save(tensors, metadata=metadata))


def apply_adapter(network: IdentifiedNetwork, path: str | os.PathLike[str]) -> None:
    """Add the changes of an adapter's file to the weights of the network, all or none of them.

    Raises FileNotFoundError if there is no such file, and ValueError for one that holds no adapter,
    changes another checkpoint, or does not fit the network.
    """
    weights = dict(network.named_parameters())
    shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
    changed: dict[str, Tensor] = {}
    with open_adapter(path, shapes) as file:
        file.check_base(network.checkpoint_id)
        for name in file.names:
            left, right = (
                read_finite(file.tensors, name + part, file.where(name), torch.float32)
                for part in (LEFT, RIGHT)
            )
            weight = weights[name]
            change = (left @ right).view(weight.shape).to(weight.device)
            changed[name] = as_finite(
                weight.detach().float() + change, file.where(name), weight.dtype
            )
        checkpoint_id = file.checkpoint_id
    with torch.no_grad():
        for name, tensor in changed.items():
            weights[name].copy_(tensor)
    network.identify(checkpoint_id)
