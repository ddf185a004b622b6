"""StyleEmbedding: an encoded style that is saved in a file or shared on the Hub."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from torch import Tensor
from typing_extensions import Unpack

from stylekernel_hf.errors.given_values import shown
from stylekernel_hf.files.safetensors_file import FLOAT_DTYPES, as_finite
from stylekernel_hf.hub.checkpoint_identity import CheckpointIdentity
from stylekernel_hf.hub.options import AccessOptions, CommitOptions
from stylekernel_hf.hub.sources import HubAccess, open_source
from stylekernel_hf.model.encoded_style import EncodedStyle
from stylekernel_hf.styles.style_card import push_styles
from stylekernel_hf.styles.style_file import StyleTensors, read_styles, write_styles
from stylekernel_hf.styles.style_format import PARTS, STYLES_NAME, check_style_shapes

logger = logging.getLogger(__name__)

_ONE = "style"


@dataclass(frozen=True)
class StyleEmbedding(EncodedStyle):
    """An encoded style for any number of contents; `StyleKernelPipeline.encode_style` makes it.

    Only the checkpoint that encoded the style takes it; others raise a ValueError with both names.
    A pipeline takes a StyleEmbedding, or the path of its file, wherever it takes a style image.

    Attributes:
        key: Keys of the attention, 1 x tokens x channels: which places of the painting are alike.
        value: Values of the attention, 1 x tokens x channels: the local style of these places.
        code: The style code, 1 x channels: the style of the painting as a whole.
        checkpoint: Name and id of the checkpoint that encoded the style, if they are known.

    Example:
        >>> from stylekernel_hf import StyleEmbedding, pipeline
        >>> pipe = pipeline("style-kernel", device="cpu")
        >>> style = pipe.encode_style("painting.jpg")
        >>> style.save("style.safetensors")
        >>> StyleEmbedding.load("style.safetensors").code.shape
        torch.Size([1, 256])
    """

    checkpoint: CheckpointIdentity | None = None

    @classmethod
    def of(cls, encoded: EncodedStyle) -> StyleEmbedding:
        """Return an encoded style of the network as an embedding without a checkpoint's name."""
        return cls(encoded.key, encoded.value, encoded.code)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the style to a safetensors file, which appears whole or not at all.

        Args:
            path: The file, whose name ends in .safetensors. Its folder is created if need be.

        Raises:
            ValueError: The name has another ending.
            OSError: The file cannot be written.
        """
        write_styles(path, pack_styles({_ONE: self}))

    @staticmethod
    def load(path: str | os.PathLike[str]) -> StyleEmbedding:
        """Read a file that `save` wrote.

        Args:
            path: The file, of one style.

        Returns:
            The encoded style, with the name and id of its checkpoint.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The file is damaged, holds numbers that are not finite, or several styles.
        """
        return _only(read_styles(path), path)

    def push_to_hub(self, repo_id: str, **options: Unpack[CommitOptions]) -> str:
        """Push the style with a card to a Hub repository of its own.

        Args:
            repo_id: The repository, "owner/name", which is created if need be.
            **options: `private`, `token` and `commit_message`, as `StyleKernelModel.push_to_hub`
                takes them.

        Returns:
            The URL of the commit.

        Raises:
            ValueError: `repo_id` is not of the form "owner/name".
            OSError: The token may not write, or the Hub does not answer.
        """
        return push_styles(repo_id, pack_styles({_ONE: self}), **options)

    @staticmethod
    def from_pretrained(
        name_or_path: str | os.PathLike[str], **access: Unpack[AccessOptions]
    ) -> StyleEmbedding:
        """Load the style of a folder or a Hub repository.

        Args:
            name_or_path: A folder with a file styles.safetensors, or a repository "owner/name".
            **access: `revision`, `token`, `cache_dir` and `local_files_only`, as
                `StyleKernelModel.from_pretrained` takes them.

        Returns:
            The encoded style.

        Raises:
            FileNotFoundError: There is no such folder or file.
            ValueError: The file is damaged, or holds several styles.
            OSError: The Hub refuses or does not answer.
        """
        path = find_styles(name_or_path, HubAccess(**access))
        return _only(read_styles(path), name_or_path)


def check_style(style: StyleEmbedding, name: str) -> tuple[int, ...]:
    """Return the channels of key, value and code.

    TypeError or ValueError with the name if a part is not a floating-point tensor, has another
    number of tokens than the other, is of several pictures, or holds numbers that are not finite.
    """
    identity = cast(object, style.checkpoint)
    if not (identity is None or isinstance(identity, CheckpointIdentity)):
        raise TypeError(
            f"{name} must have the checkpoint of an encoded style, or None, got {shown(identity)}"
        )
    parts = {part: cast(object, getattr(style, part)) for part in PARTS}
    shapes: dict[str, tuple[int, ...]] = {}
    for part, tensor in parts.items():
        if not isinstance(tensor, Tensor) or tensor.dtype not in FLOAT_DTYPES:
            kind = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
            raise TypeError(f"{name} must have a {part} that is a tensor of floats, got {kind}")
        shapes[part] = tuple(tensor.shape)
    channels = check_style_shapes(shapes, name)
    for part, tensor in parts.items():
        assert isinstance(tensor, Tensor)
        as_finite(tensor, f"{name}: its {part}", tensor.dtype)
    return channels


def pack_styles(styles: dict[str, StyleEmbedding]) -> StyleTensors:
    """Return the content of a file of these styles; ValueError if two checkpoints encoded them."""
    channels = {check_style(style, f"style {name!r}") for name, style in styles.items()}
    if len(channels) > 1:
        raise ValueError(
            "styles must be of one checkpoint, got keys, values and codes of "
            f"{' and of '.join(map(str, sorted(channels)[:2]))} channels"
        )
    first, *others = styles.items()
    identity = first[1].checkpoint
    for name, style in others:
        other = style.checkpoint
        if (identity and identity.id) != (other and other.id):
            raise ValueError(
                f"styles must be of one checkpoint, but {first[0]!r} is of "
                f"{_name(identity)} and {name!r} of {_name(other)}"
            )
    parts = {
        name: {"key": style.key, "value": style.value, "code": style.code}
        for name, style in styles.items()
    }
    return StyleTensors(parts, identity.to_json() if identity else None)


def unpack_styles(
    content: StyleTensors, origin: str | os.PathLike[str]
) -> dict[str, StyleEmbedding]:
    """Return the styles of a file by name."""
    recorded = content.checkpoint
    identity = None if recorded is None else CheckpointIdentity.from_json(recorded, origin)
    if identity is not None and identity.id is None:
        logger.warning(
            "the styles in '%s' are older than checkpoint ids: only their widths tell whether '%s' "
            "encoded them; encode the paintings anew to be sure",
            origin,
            identity.name,
        )
    return {
        name: StyleEmbedding(parts["key"], parts["value"], parts["code"], identity)
        for name, parts in content.styles.items()
    }


def find_styles(name_or_path: str | os.PathLike[str], access: HubAccess) -> Path:
    """Return the path of styles.safetensors in a folder or repository, or FileNotFoundError."""
    source = open_source(name_or_path, access, argument="style")
    path = source.find(STYLES_NAME)
    if path is None:
        raise source.missing(f"style: no {STYLES_NAME} in {source.name}")
    return path


def _only(content: StyleTensors, origin: str | os.PathLike[str]) -> StyleEmbedding:
    styles = unpack_styles(content, origin)
    if len(styles) != 1:
        raise ValueError(
            f"style: '{origin}' holds {len(styles)} styles ({', '.join(list(styles)[:10])}): "
            "load it as a StyleLibrary"
        )
    return next(iter(styles.values()))


def _name(identity: CheckpointIdentity | None) -> str:
    return f"'{identity.name}'" if identity else "an unknown one"
