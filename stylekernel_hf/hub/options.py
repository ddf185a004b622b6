"""Options of loading, saving and pushing, which several functions take and pass on."""

from __future__ import annotations

import os

import torch
from typing_extensions import TypedDict

from stylekernel_hf.devices.resolution import DeviceMap
from stylekernel_hf.hub.card import CardDetails


class AccessOptions(TypedDict, total=False):
    """How a repository on the Hub is read; of no effect on a local folder."""

    revision: str | None
    """A branch, tag or commit; "main" by default."""
    token: str | bool | None
    """A Hub token; by default that of `hf auth login`, False for none."""
    cache_dir: str | os.PathLike[str] | None
    """The folder of downloads; huggingface_hub's by default."""
    local_files_only: bool
    """Whether to read the cache alone, as with HF_HUB_OFFLINE=1."""


class LoadOptions(AccessOptions, total=False):
    """How a network is loaded."""

    dtype: torch.dtype
    """The dtype of the weights, float32 by default, whatever the file holds."""
    device_map: DeviceMap | None
    """A device, "auto" for the best there is, or {"": device}; by default the CPU."""
    variant: str | None
    """The infix of the weights' file name, such as "fp16"."""


class SaveOptions(TypedDict, total=False):
    """How a network is saved."""

    variant: str | None
    """An infix of the weights' file name, such as "fp16"."""
    max_shard_size: int | str
    """Bytes, or a text such as "15MB"; larger weights are split. "5GB" by default."""
    card: CardDetails | None
    """What the model card says beside what the network tells."""


class CommitOptions(TypedDict, total=False):
    """How a commit is pushed to the Hub."""

    private: bool | None
    """Whether a repository that is created is private; by default as the account has it."""
    token: str | bool | None
    """A Hub token; by default that of `hf auth login`."""
    commit_message: str
    """The subject of the commit."""


class PushOptions(SaveOptions, CommitOptions, total=False):
    """How a repository of a network is pushed to the Hub."""

    revision: str | None
    """The branch to push to, which is created if need be; "main" by default."""
