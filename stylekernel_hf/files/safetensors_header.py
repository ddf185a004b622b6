"""Untrusted safetensors files: sizes and types are checked before tensors are read."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError, safe_open

MAX_HEADER_BYTES = 2**23
"""Limit of the header, the list of tensors; a network of this package has some kilobytes."""
FLOATS = ("F64", "F32", "F16", "BF16")


@contextmanager
def open_tensors(path: Path, refusal: str, framework: Literal["pt", "np"] = "pt") -> Generator[Any]:
    """Open a safetensors file and read its header, the list of its tensors.

    With the framework "np", torch is not imported, and bfloat16 cannot be read.

    Raises ValueError, which begins with `refusal`, for another or a truncated file.
    """
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
    if header > MAX_HEADER_BYTES:
        raise ValueError(
            f"{refusal}: its header must have at most {MAX_HEADER_BYTES} bytes, got {header}"
        )
    try:
        with safe_open(path, framework) as tensors:
            yield tensors
    except SafetensorError as error:
        raise ValueError(f"{refusal}: {error}") from error


def listed_shape(tensors: Any, name: str, where: str) -> tuple[int, ...]:
    """Return the shape of a tensor in an open file; raise ValueError unless it holds floats."""
    part = tensors.get_slice(name)
    if part.get_dtype() not in FLOATS:
        raise ValueError(f"{where} must be of floating point, got {part.get_dtype()}")
    return tuple(part.get_shape())
