"""Where the styles of many pictures come from: paintings, and the styles in files of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from stylekernel_hf.pipelines.style_kernel import is_style_file
from stylekernel_hf.styles.embedding import StyleEmbedding
from stylekernel_hf.styles.library import StyleLibrary


@dataclass(frozen=True)
class NamedStyle:
    """One of the several styles in a file that `StyleLibrary.save` wrote."""

    path: Path
    name: str

    def __str__(self) -> str:
        return f"'{self.name}' of {self.path}"

    def load(self) -> StyleEmbedding:
        """Read the style from its file."""
        return StyleLibrary.load(self.path)[self.name]


StyleSource: TypeAlias = Path | NamedStyle


def expand_styles(paths: Sequence[Path]) -> list[StyleSource]:
    """Put each style of a file of several in the place of the file.

    A file that cannot be read stays, for the picture that needs it to fail with the reason.
    """
    styles: list[StyleSource] = []
    for path in paths:
        names = _names_in(path)
        styles += [NamedStyle(path, name) for name in names] if len(names) > 1 else [path]
    return styles


def path_of(source: StyleSource) -> Path:
    """Return the file that holds the picture or style."""
    return source.path if isinstance(source, NamedStyle) else source


def short_name(source: StyleSource) -> str:
    """Return the name for files that show the picture or style: what it is called itself."""
    if isinstance(source, NamedStyle):
        # Any character but slashes and line breaks may be in it, file names hold fewer.
        return re.sub(r"[^\w .,()+-]", "-", source.name).strip()
    return source.stem


def long_name(source: StyleSource) -> str:
    """Return the short name after that of its folder, or of the file of styles that it is in."""
    owner = source.path.stem if isinstance(source, NamedStyle) else source.resolve().parent.name
    return f"{owner}-{short_name(source)}"


def _names_in(path: Path) -> list[str]:
    if not is_style_file(path):
        return []
    try:
        return list(StyleLibrary.load(path))
    except (OSError, ValueError):
        return []
