"""File names for many results: distinct on every file system, and the same for the same pictures.

Names depend on the pictures and styles of a batch, never on the files in the output folder, so that
a repeated command with --skip-existing finds each result under its own name.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

from stylekernel_hf.cli.style_sources import NamedStyle, StyleSource, long_name, path_of, short_name

MAX_NAME_BYTES = 255
"""The longest file name, in bytes, that the usual file systems allow."""

Combination: TypeAlias = tuple[Path, tuple[StyleSource, ...]]
_Named = TypeVar("_Named", bound=Hashable)


def name_results(
    contents: Sequence[Path], groups: Sequence[tuple[StyleSource, ...]], suffix: str
) -> dict[Combination, str]:
    """Name the picture of every content in every group of styles: `CONTENT_STYLE.png`.

    Where names would be the same, all of them get longer: first by the name of the folder, or of
    the file of a named style, in front; then by the suffix; at last by a digest of the paths.
    """
    rungs = [short_name, long_name, _name_with_suffix, _name_with_digest]
    content_names = _distinct(contents, rungs)
    style_names = _distinct([style for group in groups for style in group], rungs)

    def joined(pair: Combination) -> str:
        content, group = pair
        return "_".join([content_names[content], *(style_names[style] for style in group)])

    def joined_with_folders(pair: Combination) -> str:
        content, group = pair
        return "_".join([long_name(content), *map(long_name, group)])

    def joined_with_digest(pair: Combination) -> str:
        return f"{joined(pair)}-{_digest(*_sources(pair))}"

    def fitted(name: Callable[[Combination], str]) -> Callable[[Combination], str]:
        return lambda pair: _shortened(name(pair), f"-{_digest(*_sources(pair))}", suffix)

    pairs = [(content, group) for content in contents for group in groups]
    ways = [fitted(name) for name in (joined, joined_with_folders, joined_with_digest)]
    return _distinct(pairs, ways)


def file_system_key(name: str) -> str:
    """Return a key that is equal for names that some file system does not distinguish.

    Windows and macOS usually ignore case, and macOS ignores how Unicode composes accented letters.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", name).casefold())


def _distinct(
    sources: Sequence[_Named], rungs: Sequence[Callable[[_Named], str]]
) -> dict[_Named, str]:
    """Name each source by the first of the `rungs` that gives it a name of its own."""
    levels = dict.fromkeys(sources, 0)
    while True:
        names = {source: rungs[level](source) for source, level in levels.items()}
        keys = {source: file_system_key(name) for source, name in names.items()}
        taken = Counter(keys.values())
        shared = [s for s in levels if taken[keys[s]] > 1 and levels[s] + 1 < len(rungs)]
        if not shared:
            return names
        for source in shared:
            levels[source] += 1


def _name_with_suffix(source: StyleSource) -> str:
    return long_name(source) + path_of(source).suffix.replace(".", "-")


def _name_with_digest(source: StyleSource) -> str:
    return f"{_name_with_suffix(source)}-{_digest(source)}"


def _shortened(name: str, digest: str, suffix: str) -> str:
    if len(os.fsencode(name + suffix)) <= MAX_NAME_BYTES:
        return name + suffix
    room = MAX_NAME_BYTES - len(os.fsencode(digest + suffix))
    # A character that is cut in two is dropped.
    return os.fsencode(name)[:room].decode(errors="ignore") + digest + suffix


def _digest(*sources: StyleSource) -> str:
    named = [s.name if isinstance(s, NamedStyle) else "" for s in sources]
    described = [
        [os.fsencode(path_of(s).absolute()), n.encode()]
        for s, n in zip(sources, named, strict=True)
    ]
    return hashlib.sha256(repr(described).encode()).hexdigest()[:8]


def _sources(pair: Combination) -> list[StyleSource]:
    return [pair[0], *pair[1]]
