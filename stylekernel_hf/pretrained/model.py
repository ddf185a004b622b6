"""StyleKernelModel: the network, loaded strictly, saved whole and shared on the Hub."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar, cast

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import Unpack

from stylekernel_hf.devices.forked_processes import use_one_thread_in_forks
from stylekernel_hf.devices.resolution import DeviceMap, check_dtype, resolve_device_map
from stylekernel_hf.files.safetensors_file import FLOAT_DTYPES
from stylekernel_hf.hub.building import build_network
from stylekernel_hf.hub.card import CardDetails
from stylekernel_hf.hub.layout import (
    CARD_NAME,
    INDEX_NAME,
    MODEL_FOLDER,
    find_model,
    write_model_index,
)
from stylekernel_hf.hub.model_card import write_model_card
from stylekernel_hf.hub.options import AccessOptions
from stylekernel_hf.hub.saving import staged_folder
from stylekernel_hf.hub.sources import HubAccess, Source, open_source
from stylekernel_hf.hub.upload import push_folder
from stylekernel_hf.hub.weights import index_name, load_weights, stored_weights_id, weights_name
from stylekernel_hf.hub.weights_writing import write_network
from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.pretrained.adapter import apply_adapter
from stylekernel_hf.pretrained.identified_network import IdentifiedNetwork
from stylekernel_hf.styles.embedding import StyleEmbedding

Model = TypeVar("Model", bound="StyleKernelModel")


class StyleKernelModel(IdentifiedNetwork):
    """The network, with strict `from_pretrained`, atomic `save_pretrained` and `push_to_hub`.

    Args:
        config: What sets the shape of the network; the preset "small" by default. The weights are
            random.

    Attributes:
        origin: The folder or Hub id from which the network was loaded, or None if it was built.

    Example:
        >>> from stylekernel_hf import StyleKernelConfig, StyleKernelModel
        >>> model = StyleKernelModel(StyleKernelConfig.small())
        >>> sum(parameter.numel() for parameter in model.parameters()) < 3e6
        True
    """

    origin: str | None = None

    def __init__(self, config: StyleKernelConfig | None = None) -> None:
        super().__init__(config)
        use_one_thread_in_forks()

    def encode_style(self, style: Float[Tensor, "b 3 h w"]) -> StyleEmbedding:
        """Encode style images once for all the contents that they are used on.

        Args:
            style: RGB in [0, 1], b x 3 x height x width; sides are multiples of `style_stride`.

        Returns:
            The encoded styles, without the name of a checkpoint.
        """
        return StyleEmbedding.of(super().encode_style(style))

    @classmethod
    def from_pretrained(
        cls: type[Model],
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        dtype: torch.dtype = torch.float32,
        device_map: DeviceMap | None = None,
        variant: str | None = None,
        **access: Unpack[AccessOptions],
    ) -> Model:
        """Load the network from a folder or a Hub repository, strictly and without any pickle.

        Args:
            pretrained_model_name_or_path: A folder that `save_pretrained` wrote, of the network or
                of a pipeline, or a Hub repository "owner/name".
            dtype: The dtype of the weights, float32 by default, whatever the file holds.
            device_map: A device, "auto" for the best there is, or {"": device}; by default the CPU.
            variant: The infix of the weights' file name, such as "fp16".
            **access: `revision` (a branch, tag or commit), `token` (by default that of
                `hf auth login`), `cache_dir` and `local_files_only` (as with HF_HUB_OFFLINE=1,
                nothing is downloaded). They have no effect on a folder.

        Returns:
            The network, ready for inference. No random numbers are drawn.

        Raises:
            FileNotFoundError: A folder or a file is missing.
            ValueError: The config or the weights are not of this network to the last key, tensor
                and shape, hold numbers that are not finite in `dtype`, are no safetensors, or have
                a newer format.
            OSError: The Hub refuses or does not answer; huggingface_hub's RepositoryNotFoundError
                and RevisionNotFoundError are such errors.

        Example:
            >>> from stylekernel_hf import StyleKernelConfig, StyleKernelModel
            >>> StyleKernelModel(StyleKernelConfig.small()).save_pretrained("network")
            >>> StyleKernelModel.from_pretrained("network").dtype
            torch.float32
        """
        device = resolve_device_map(device_map)
        source = open_source(pretrained_model_name_or_path, HubAccess(**access))
        return load_strictly(cls, source, variant, dtype).to(device)

    def load_adapter(self, adapter: str | os.PathLike[str]) -> None:
        """Change the weights as a fine-tuning did, whose file of changes was saved on its own.

        Args:
            adapter: The file, as `stylekernel finetune --rank` writes it. Its changes are for the
                weights of one checkpoint, which the network must have.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The file is no adapter, is for another checkpoint, or does not fit the
                network. The weights stay as they are.
        """
        apply_adapter(self, adapter)
        self.origin = os.fspath(adapter)

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        *,
        variant: str | None = None,
        max_shard_size: int | str = "5GB",
        card: CardDetails | None = None,
    ) -> None:
        """Save config, weights and a model card into a folder.

        A crash leaves the old files or the new ones. What a user wrote into the README.md in the
        folder is kept.

        Args:
            save_directory: The folder, which is created if need be.
            variant: An infix of the weights' file name, such as "fp16".
            max_shard_size: Bytes, or a text such as "15MB". Larger weights are split into shards.
            card: What the model card says beside what the network tells.

        Raises:
            ValueError: The folder holds a pipeline, or `max_shard_size` is no size.
            OSError: The folder cannot be written.
        """
        folder = Path(save_directory)
        if (folder / INDEX_NAME).exists():
            raise ValueError(
                f"save_directory '{folder}' holds a pipeline, whose network is in '{MODEL_FOLDER}':"
                f" save to '{folder / MODEL_FOLDER}', or save the pipeline"
            )
        with staged_folder(folder) as staging:
            self._write(staging, variant, max_shard_size)
            self._write_card(staging, card, None, folder / CARD_NAME)

    def save_repository(
        self,
        save_directory: str | os.PathLike[str],
        *,
        variant: str | None = None,
        max_shard_size: int | str = "5GB",
        card: CardDetails | None = None,
    ) -> None:
        """Save a whole repository: the network in "model/", diffusers' loaders and a model card.

        Arguments, errors and what is kept are those of `save_pretrained`.
        """
        folder = Path(save_directory)
        with staged_folder(folder) as staging:
            self._write_repository(
                staging, variant, max_shard_size, card=card, old_card=folder / CARD_NAME
            )

    def save_card(
        self, save_directory: str | os.PathLike[str], *, card: CardDetails | None = None
    ) -> None:
        """Write the model card of a saved repository anew, and leave its weights as they are.

        Args:
            save_directory: The folder of the repository, which holds this network.
            card: What the model card says beside what the network tells.

        Raises:
            OSError: The folder cannot be written.
        """
        folder = Path(save_directory)
        with staged_folder(folder) as staging:
            write_model_index(staging)
            self._write_card(staging, card, None, folder / CARD_NAME)

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
        """Push a whole repository, as `save_repository` writes it, in one commit.

        The repository is created if it does not exist. Files that the Hub already has are not
        uploaded again. What a user wrote into the card on the Hub is kept.

        Args:
            repo_id: The repository, "owner/name".
            private: Whether a repository that is created is private; by default as the account has
                it.
            token: A Hub token; by default that of `hf auth login`.
            revision: The branch to push to, which is created if need be; "main" by default.
            variant: An infix of the weights' file name, such as "fp16".
            max_shard_size: Bytes, or a text such as "15MB". Larger weights are split into shards.
            commit_message: The subject of the commit.
            card: What the model card says beside what the network tells.

        Returns:
            The URL of the commit.

        Raises:
            ValueError: `repo_id` is not of the form "owner/name".
            OSError: The token may not write, somebody else pushed meanwhile, or the Hub does not
                answer (huggingface_hub's errors).
        """

        def write(staging: Path, old_card: Path | None) -> None:
            self._write_repository(
                staging, variant, max_shard_size, card=card, old_card=old_card, repo_id=repo_id
            )

        return push_folder(
            repo_id,
            write,
            private=private,
            token=token,
            revision=revision,
            commit_message=commit_message,
            replaced=_weight_patterns(variant),
        )

    def _write_repository(
        self,
        folder: Path,
        variant: str | None,
        max_shard_size: int | str,
        *,
        card: CardDetails | None,
        old_card: Path | None,
        repo_id: str | None = None,
    ) -> None:
        write_model_index(folder)
        self._write(folder / MODEL_FOLDER, variant, max_shard_size)
        self._write_card(folder, card, repo_id, old_card)

    def _write_card(
        self, folder: Path, card: CardDetails | None, repo_id: str | None, old: Path | None
    ) -> None:
        write_model_card(
            folder,
            config=self.config,
            origin=self.origin,
            details=card,
            repo_id=repo_id,
            old=old,
            for_diffusers=(folder / INDEX_NAME).exists(),
        )

    def _write(self, folder: Path, variant: str | None, max_shard_size: int | str) -> None:
        tensors = cast(dict[str, Tensor], self.state_dict())
        write_network(
            folder,
            tensors,
            vars(self.config),
            checkpoint_id=self.checkpoint_id,
            variant=variant,
            max_shard_size=max_shard_size,
        )


def load_strictly(
    cls: type[Model],
    source: Source,
    variant: str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Model:
    """Load a network on the CPU; see `StyleKernelModel.from_pretrained`."""
    check_dtype(dtype, FLOAT_DTYPES)
    folder, config = find_model(source)
    model, checkpoint_id = build_network(cls, config)
    files = load_weights(model, source, folder, variant, dtype, vars(model.config))
    model.eval().identify(checkpoint_id or stored_weights_id(files))
    model.origin = source.origin
    return model


def _weight_patterns(variant: str | None) -> list[str]:
    """Paths on the Hub that older weights of this variant may have."""
    whole = f"{MODEL_FOLDER}/{weights_name(variant)}"
    shards = whole.replace(".safetensors", "-?????-of-?????.safetensors")
    return [whole, shards, f"{MODEL_FOLDER}/{index_name(variant)}"]
