"""What the pipeline does with folders and Hub repositories: load, save and push."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from diffusers.pipelines.pipeline_utils import DiffusionPipeline
from typing_extensions import Self

from stylekernel_hf.model.style_kernel import StyleKernelModel
from stylekernel_hf.repository.card import CardDetails
from stylekernel_hf.repository.layout import write_model_index
from stylekernel_hf.repository.pretrained import DeviceMap


class PretrainedPipeline(DiffusionPipeline):
    """A pipeline of one StyleKernelModel, which all loading and saving is left to."""

    model: StyleKernelModel

    @classmethod
    def from_pretrained(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        dtype: torch.dtype | None = None,
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
        model = StyleKernelModel.from_pretrained(
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

    def save_pretrained(  # pyright: ignore[reportIncompatibleMethodOverride]
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

    def save_config(self, save_directory: str | os.PathLike[str], **_: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Write model_index.json and the loader files that it names."""
        write_model_index(Path(save_directory))

    def push_to_hub(  # pyright: ignore[reportIncompatibleMethodOverride]
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
