"""The metadata of a model card, in which lines of YAML that users wrote are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from huggingface_hub.utils import yaml_dump

_NAME = re.compile(r"([^\s#-][^\n]*?):(?=\s|$)")
_NO_NAME = object()


def merge_yaml(block: str, old: Mapping[str, Any], changes: Mapping[str, Any]) -> str:
    """Return `block`, the YAML of `old`, with some values changed; None removes a key.

    Lines of unchanged values stay as they are, with their comments and quotes.
    """
    removed = {name for name, value in changes.items() if value is None}
    merged = {name: value for name, value in {**old, **changes}.items() if name not in removed}
    lines: list[str] = []
    written: set[object] = set()
    for name, text in _entries(block):
        written.add(name)
        if name is _NO_NAME or (name in merged and name in old and merged[name] == old[name]):
            lines.append(text)
        elif name in merged:
            lines.append(yaml_dump({name: merged[name]}))
    lines += [yaml_dump({name: merged[name]}) for name in merged if name not in written]
    result = "".join(lines)
    # In an unusual form such as {a: b}, the names have no lines of their own.
    return result if _parses_to(result, merged) else yaml_dump(merged)


def _entries(block: str) -> Iterator[tuple[Any, str]]:
    """Yield the names of the outermost level and the comments between them, with their lines."""
    name, text = _NO_NAME, ""
    for line in block.splitlines(keepends=True):
        key = _name(line)
        if key is _NO_NAME and not line.startswith("#"):
            text += line
            continue
        if text:
            yield name, text
        name, text = key, line
    if text:
        yield name, text


def _name(line: str) -> object:
    match = _NAME.match(line)
    try:
        (name,) = yaml.safe_load(f"{match[1]}:") if match else [_NO_NAME]
    except (yaml.YAMLError, TypeError, ValueError):
        return _NO_NAME
    return name


def _parses_to(text: str, expected: Mapping[str, Any]) -> bool:
    try:
        return (yaml.safe_load(text) or {}) == expected
    except (yaml.YAMLError, ValueError):
        return False
