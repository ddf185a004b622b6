"""The styles of many pictures: paintings, and encoded styles in files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from stylekernel_hf.styles.picture_size import is_style_file

if TYPE_CHECKING:
    from stylekernel_hf.runtime.style import RuntimeStyle
    from stylekernel_hf.styles.embedding import StyleEmbedding


@dataclass(frozen=True)
class NamedStyle:
    """One of the several styles in a file that `StyleLibrary.save` wrote."""

    path: Path
    name: str

    def __str__(self) -> str:
        return f"'{self.name}' of {self.path}"

    def load(self) -> StyleEmbedding:
        """Read the style from its file."""
        from stylekernel_hf.styles.library import StyleLibrary

        return StyleLibrary.load(self.path)[self.name]

    def load_for_runtime(self) -> RuntimeStyle:
        """Read the style for a runtime other than PyTorch."""
        from stylekernel_hf.runtime.style import read_runtime_styles

        return read_runtime_styles(self.path)[self.name]


StyleSource: TypeAlias = Path | NamedStyle


def expand_styles(paths: Sequence[Path]) -> list[StyleSource]:
    """Replace each file of several styles by its styles.

    A file that cannot be read stays, so that the picture that needs it fails with the reason.
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
    """Return a file name for the picture or style: its own name."""
    if isinstance(source, NamedStyle):
        # File names allow fewer characters than names of styles.
        return re.sub(r"[^\w .,()+-]", "-", source.name).strip()
    return source.stem


def long_name(source: StyleSource) -> str:
    """Return the short name after the name of its folder, or of its file of styles."""
    owner = source.path.stem if isinstance(source, NamedStyle) else source.resolve().parent.name
    return f"{owner}-{short_name(source)}"


def _names_in(path: Path) -> list[str]:
    if not is_style_file(path):
        return []
    from stylekernel_hf.styles.style_format import style_names

    try:
        return style_names(Path(path))
    except (OSError, ValueError):
        return []
