"""Adapters of tiny networks, and files of them that do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from stylekernel_hf import StyleKernelModel
from stylekernel_hf.hub.checkpoint_identity import CheckpointIdentity
from stylekernel_hf.pretrained.adapter import Adapter

WEIGHT = "decoder.to_rgb.weight"
ID = "0123456789abcdef"
Damage: TypeAlias = tuple[dict[str, str], dict[str, Tensor | None], str]
# Changes of the metadata and of the tensors, and what the error says.
DAMAGES: list[Damage] = [
    ({"kind": "something"}, {}, "holds no adapter; stylekernel finetune --rank writes"),
    ({"base_id": "xyz"}, {}, "the metadata of '.*' are damaged"),
    ({"checkpoint_id": ""}, {}, "the metadata of '.*' are damaged"),
    ({"format_version": "99"}, {}, "format"),
    ({"base_id": ID}, {}, "changes the checkpoint 'tiny' .*, and the network is another one"),
    ({}, {f"{WEIGHT}.left": None}, "lacks tensors or has surplus ones: .*left"),
    ({}, {"nothing.left": torch.ones(2, 2)}, "lacks tensors or has surplus ones: nothing"),
    ({}, {f"{WEIGHT}.left": torch.ones(2)}, "must be matrices of 12 x rank and rank x"),
    ({}, {f"{WEIGHT}.left": torch.ones(12, 3)}, "must be matrices of 12 x rank and rank x"),
    ({}, {f"{WEIGHT}.left": torch.ones(12, 2, dtype=torch.int8)}, "must be of floating point"),
    ({}, {f"{WEIGHT}.left": torch.full((12, 2), torch.nan)}, "must hold finite numbers"),
    (
        {},
        {f"{WEIGHT}.left": torch.full((12, 2), 3e38), f"{WEIGHT}.right": torch.ones(2, 36)},
        "must hold finite numbers",
    ),
]


def adapter_of(network: StyleKernelModel, weight: str = WEIGHT, rank: int = 2) -> Adapter:
    generator = torch.Generator().manual_seed(0)
    outputs, inputs = network.state_dict()[weight].flatten(1).shape
    left = torch.randn(outputs, rank, generator=generator) / 10
    right = torch.randn(rank, inputs, generator=generator) / 10
    return Adapter({weight: (left, right)}, CheckpointIdentity("tiny", network.checkpoint_id), ID)


def altered(path: Path, metadata: dict[str, str], tensors: dict[str, Tensor | None]) -> Path:
    """Return a copy of an adapter's file with other metadata and tensors."""
    with safe_open(path, "pt") as file:
        told = {**file.metadata(), **metadata}
    kept = {**load_file(path), **tensors}
    target = path.with_name("altered.safetensors")
    save_file({name: x for name, x in kept.items() if x is not None}, target, told)
    return target
