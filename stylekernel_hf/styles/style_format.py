"""What a file of encoded styles holds, apart from the tensors: its metadata, names and shapes."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from stylekernel_hf.errors.given_values import shown
from stylekernel_hf.files.safetensors_header import listed_shape, open_tensors
from stylekernel_hf.hub.configs import check_format_version

STYLES_NAME = "styles.safetensors"
_KIND = "stylekernel_hf styles"
PARTS = ("key", "value", "code")
MAX_SIDE = 4096
"""Bound on the tokens and the channels of a style."""
MAX_FILE_BYTES = 2**32


class OpenStyles(NamedTuple):
    """A file of styles that is open and checked, but for the numbers in its tensors."""

    tensors: Any
    names: list[str]
    checkpoint: Mapping[str, Any] | None


@contextmanager
def open_styles(source: Path, framework: Literal["pt", "np"]) -> Generator[OpenStyles]:
    """Open a file of styles; ValueError for any other file, FileNotFoundError if it is missing."""
    if not source.is_file():
        raise FileNotFoundError(f"style: no such file: '{source}'")
    if source.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"style: '{source}' must have at most {MAX_FILE_BYTES} bytes, got more")
    refusal = f"style must be a safetensors file, but '{source}' is not, or not whole"
    with open_tensors(source, refusal, framework) as file:
        metadata = cast("dict[str, str] | None", file.metadata()) or {}
        if metadata.get("kind") != _KIND:
            raise ValueError(
                f"style: '{source}' holds no styles; StyleEmbedding.save writes such files"
            )
        names, checkpoint = _read_metadata(metadata, source)
        expected = {f"{name}/{part}" for name in names for part in PARTS}
        if difference := sorted(expected ^ set(file.keys())):
            first = ", ".join(name[:100] for name in difference[:3])
            raise ValueError(f"style: '{source}' lacks tensors or has surplus ones: {first}")
        _check_sizes(file, names, source)
        yield OpenStyles(file, names, checkpoint)


def style_names(source: Path) -> list[str]:
    """Return the names of the styles in a file, without reading their tensors."""
    with open_styles(source, "np") as file:
        return file.names


def styles_metadata(names: Iterable[str], checkpoint: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the metadata of a file of styles of these names."""
    return {
        "format": "pt",
        "kind": _KIND,
        "format_version": "1",
        "names": json.dumps(list(names)),
        "checkpoint": json.dumps(checkpoint),
    }


def check_styles_name(target: Path) -> None:
    """Raise ValueError unless a file of styles may have this name."""
    if target.suffix != ".safetensors":
        raise ValueError(f"path must end in .safetensors, got '{target}'")


def check_style_shapes(shapes: Mapping[str, Sequence[int]], where: str) -> tuple[int, ...]:
    """Return the channels of key, value and code; ValueError unless they are of one picture."""
    for part in PARTS:
        shape = shapes[part]
        axes = ("1", "channels") if part == "code" else ("1", "tokens", "channels")
        fits = len(shape) == len(axes) and shape[0] == 1
        if not (fits and all(1 <= side <= MAX_SIDE for side in shape)):
            raise ValueError(
                f"{where} must have a {part} of {' x '.join(axes)}, for one picture and with at "
                f"most {MAX_SIDE} of each, got {shown(list(shape))}"
            )
    if shapes["key"][1] != shapes["value"][1]:
        raise ValueError(
            f"{where} must have a value for every key, got {shapes['key'][1]} keys and "
            f"{shapes['value'][1]} values"
        )
    return tuple(shapes[part][-1] for part in PARTS)


def check_style_names(names: Iterable[object]) -> None:
    """Raise ValueError for a name that a file, a card or a message cannot hold."""
    for name in names:
        bad = not isinstance(name, str) or not name.strip() or any(x in name for x in "/\n\r")
        if bad:
            raise ValueError(f"styles must have names without slashes or breaks, got {shown(name)}")


def _read_metadata(
    metadata: Mapping[str, str], source: Path
) -> tuple[list[str], Mapping[str, Any] | None]:
    """Return the names of the styles, and the entry of their checkpoint."""
    try:
        version = int(metadata["format_version"])
        names: object = json.loads(metadata["names"])
        checkpoint: object = json.loads(metadata["checkpoint"])
        if not isinstance(names, list) or not names:
            raise ValueError(f"names must be a list of at least one, got {shown(names)}")
        check_style_names(cast(list[object], names))
        if len(set(cast(list[str], names))) < len(names):
            raise ValueError("names must differ")
        if not (checkpoint is None or isinstance(checkpoint, dict)):
            raise ValueError(f"checkpoint must be an object, got {shown(checkpoint)}")
    except (KeyError, ValueError, RecursionError) as error:
        raise ValueError(f"style: the metadata of '{source}' are damaged: {error!r}") from error
    check_format_version(version, source, "style")
    return cast(list[str], names), cast("dict[str, Any] | None", checkpoint)


def _check_sizes(file: Any, names: Sequence[str], source: Path) -> None:
    """Check the shapes that an open file lists before its tensors are read."""
    channels: set[tuple[int, ...]] = set()
    for name in names:
        listed = {
            part: listed_shape(file, f"{name}/{part}", f"style: {name}/{part} in '{source}'")
            for part in PARTS
        }
        channels.add(check_style_shapes(listed, f"style {name!r} in '{source}'"))
    if len(channels) > 1:
        raise ValueError(
            f"style: '{source}' must hold styles of one checkpoint, got keys, values and codes of "
            f"{' and of '.join(map(str, sorted(channels)[:2]))} channels"
        )
