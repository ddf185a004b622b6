"""Styles by name, in one file and one Hub repository."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import cast

from typing_extensions import Unpack

from stylekernel_hf.hub.options import AccessOptions, CommitOptions
from stylekernel_hf.hub.sources import HubAccess
from stylekernel_hf.styles.embedding import (
    StyleEmbedding,
    find_styles,
    pack_styles,
    unpack_styles,
)
from stylekernel_hf.styles.style_card import push_styles
from stylekernel_hf.styles.style_file import read_styles, write_styles
from stylekernel_hf.styles.style_format import check_style_names


class StyleLibrary(Mapping[str, StyleEmbedding]):
    """A mapping from names to encoded styles of one checkpoint, saved in one file.

    As the `style` of a pipeline, a library is a list of its styles: one per content, or mixed.

    Args:
        styles: At least one encoded style by name. Names have no slashes and no line breaks.

    Raises:
        TypeError: A value is not a StyleEmbedding.
        ValueError: There are no styles, a name is not allowed, the styles are of several
            checkpoints, or they hold numbers that are not finite.

    Example:
        >>> from stylekernel_hf import StyleLibrary, pipeline
        >>> pipe = pipeline("style-kernel", device="cpu")
        >>> style = pipe.encode_style("painting.jpg")
        >>> library = StyleLibrary({"wave": style, "night": style})
        >>> library.save("styles.safetensors")
        >>> list(StyleLibrary.load("styles.safetensors"))
        ['wave', 'night']
    """

    def __init__(self, styles: Mapping[str, StyleEmbedding]) -> None:
        if not styles:
            raise ValueError("styles must hold at least one style, got none")
        check_style_names(styles)
        for name, style in styles.items():
            if not isinstance(cast(object, style), StyleEmbedding):
                raise TypeError(f"styles must be encoded, got {type(style).__name__} for {name!r}")
        self._styles = dict(styles)
        self._packed = pack_styles(self._styles)

    def __getitem__(self, name: str) -> StyleEmbedding:
        if name not in self._styles:
            raise KeyError(f"no style {name!r}; there are {', '.join(self._styles)}")
        return self._styles[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._styles)

    def __len__(self) -> int:
        return len(self._styles)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all styles to a safetensors file, which appears whole or not at all.

        Args:
            path: The file, whose name ends in .safetensors. Its folder is created if need be.

        Raises:
            ValueError: The name has another ending.
            OSError: The file cannot be written.
        """
        write_styles(path, self._packed)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> StyleLibrary:
        """Read a file that `StyleLibrary.save` or `StyleEmbedding.save` wrote.

        Args:
            path: The file.

        Returns:
            The styles by name.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The file is damaged, or holds numbers that are not finite.
        """
        return StyleLibrary(unpack_styles(read_styles(path), path))

    def push_to_hub(self, repo_id: str, **options: Unpack[CommitOptions]) -> str:
        """Push the styles with a card to a Hub repository of their own.

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
        return push_styles(repo_id, self._packed, **options)

    @staticmethod
    def from_pretrained(
        name_or_path: str | os.PathLike[str], **access: Unpack[AccessOptions]
    ) -> StyleLibrary:
        """Load all styles of a folder or a Hub repository.

        Args:
            name_or_path: A folder with a file styles.safetensors, or a repository "owner/name".
            **access: `revision`, `token`, `cache_dir` and `local_files_only`, as
                `StyleKernelModel.from_pretrained` takes them.

        Returns:
            The styles by name.

        Raises:
            FileNotFoundError: There is no such folder or file.
            ValueError: The file is damaged.
            OSError: The Hub refuses or does not answer.
        """
        return StyleLibrary.load(find_styles(name_or_path, HubAccess(**access)))
