"""Where a pipeline's network lies: on which device, and in which folder or Hub repository."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from typing_extensions import Self

from stylekernel_hf.hub.card import CardDetails
from stylekernel_hf.hub.checkpoint_identity import CheckpointIdentity
from stylekernel_hf.pretrained.model import DeviceMap, StyleKernelModel

UNNAMED_CHECKPOINT = "a checkpoint that was never saved"


class PretrainedPipeline:
    """A pipeline of one StyleKernelModel, which all loading, saving and moving is left to."""

    model: StyleKernelModel
    _model_class: type[StyleKernelModel] = StyleKernelModel

    @property
    def device(self) -> torch.device:
        """The device on which it paints."""
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype in which it paints."""
        return self.model.dtype

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move the network to a device, a dtype or both, which `torch.nn.Module.to` takes."""
        self.model.to(*args, **kwargs)
        return self

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        dtype: torch.dtype = torch.float32,
        device_map: DeviceMap | None = None,
        variant: str | None = None,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
    ) -> Self:
        """Load the pipeline from a folder or a Hub repository "owner/name".

        Arguments and errors are those of `StyleKernelModel.from_pretrained`. No code of the
        repository is run.
        """
        model = cls._model_class.from_pretrained(
            pretrained_model_name_or_path,
            dtype=dtype,
            device_map=device_map,
            variant=variant,
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
        )
        return cls(model)  # pyright: ignore[reportCallIssue]

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        *,
        variant: str | None = None,
        max_shard_size: int | str = "5GB",
        card: CardDetails | None = None,
    ) -> None:
        """Save a repository that loads in every way; see `StyleKernelModel.save_repository`."""
        self.model.save_repository(
            save_directory, variant=variant, max_shard_size=max_shard_size, card=card
        )

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool | None = None,
        token: str | bool | None = None,
        revision: str | None = None,
        variant: str | None = None,
        max_shard_size: int | str = "5GB",
        commit_message: str = "Upload StyleKernelPipeline",
        card: CardDetails | None = None,
    ) -> str:
        """Push the repository; returns the commit's URL. See `StyleKernelModel.push_to_hub`."""
        return self.model.push_to_hub(
            repo_id,
            private=private,
            token=token,
            revision=revision,
            variant=variant,
            max_shard_size=max_shard_size,
            commit_message=commit_message,
            card=card,
        )

    def _identity(self) -> CheckpointIdentity:
        origin = self.model.origin or UNNAMED_CHECKPOINT
        # Of a path only the end: a file that is shared tells nothing of its maker's folders.
        name = Path(origin).resolve().name if Path(origin).is_dir() else str(origin)
        return CheckpointIdentity(name, self.model.checkpoint_id)
