"""Moving, loading, saving and pushing of a pipeline's network."""

from __future__ import annotations

import os
from typing import Any

import torch
from typing_extensions import Self, Unpack

from stylekernel_hf.hub.checkpoint_identity import CheckpointIdentity, shared_name
from stylekernel_hf.hub.options import LoadOptions, PushOptions, SaveOptions
from stylekernel_hf.pretrained.model import StyleKernelModel

UNNAMED_CHECKPOINT = "a checkpoint that was never saved"


class PretrainedPipeline:
    """A pipeline of one StyleKernelModel, which does the loading, saving and moving."""

    model: StyleKernelModel
    _model_class: type[StyleKernelModel] = StyleKernelModel

    @property
    def device(self) -> torch.device:
        """The device of the network."""
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the network."""
        return self.model.dtype

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move the network to a device, a dtype or both, which `torch.nn.Module.to` takes."""
        self.model.to(*args, **kwargs)
        return self

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        **options: Unpack[LoadOptions],
    ) -> Self:
        """Load the pipeline from a folder or a Hub repository; no code of it is run.

        Args:
            pretrained_model_name_or_path: A folder, or a Hub repository "owner/name".
            **options: `dtype`, `device_map`, `variant`, `revision`, `token`, `cache_dir` and
                `local_files_only`, as `StyleKernelModel.from_pretrained` takes them.

        Returns:
            The pipeline.

        Raises:
            ValueError, OSError: See `StyleKernelModel.from_pretrained`.
        """
        model = cls._model_class.from_pretrained(pretrained_model_name_or_path, **options)
        return cls(model)  # pyright: ignore[reportCallIssue]

    def save_pretrained(
        self, save_directory: str | os.PathLike[str], **options: Unpack[SaveOptions]
    ) -> None:
        """Save a repository that the pipeline, the network and diffusers load.

        Args:
            save_directory: The folder, which is created if need be.
            **options: `variant`, `max_shard_size` and `card`, as
                `StyleKernelModel.save_repository` takes them.

        Raises:
            ValueError, OSError: See `StyleKernelModel.save_pretrained`.
        """
        self.model.save_repository(save_directory, **options)

    def push_to_hub(self, repo_id: str, **options: Unpack[PushOptions]) -> str:
        """Push the repository to the Hub in one commit.

        Args:
            repo_id: The repository, "owner/name", which is created if need be.
            **options: `private`, `token`, `revision`, `variant`, `max_shard_size`,
                `commit_message` and `card`, as `StyleKernelModel.push_to_hub` takes them.

        Returns:
            The URL of the commit.

        Raises:
            ValueError, OSError: See `StyleKernelModel.push_to_hub`.
        """
        return self.model.push_to_hub(repo_id, **options)

    def _identity(self) -> CheckpointIdentity:
        origin = self.model.origin or UNNAMED_CHECKPOINT
        return CheckpointIdentity(shared_name(str(origin)), self.model.checkpoint_id)
