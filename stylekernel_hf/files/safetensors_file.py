"""Untrusted safetensors files: sizes and types are checked before tensors are read."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

MAX_HEADER_BYTES = 2**23
"""Limit of the header, the list of tensors; a network of this package has some kilobytes."""
FLOATS = ("F64", "F32", "F16", "BF16")
FLOAT_DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


@contextmanager
def open_tensors(path: Path, refusal: str) -> Generator[Any]:
    """Open a safetensors file and read its header, the list of its tensors.

    Raises ValueError, which begins with `refusal`, for another or a truncated file.
    """
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
    if header > MAX_HEADER_BYTES:
        raise ValueError(
            f"{refusal}: its header must have at most {MAX_HEADER_BYTES} bytes, got {header}"
        )
    try:
        with safe_open(path, "pt") as tensors:
            yield tensors
    except SafetensorError as error:
        raise ValueError(f"{refusal}: {error}") from error


def listed_shape(tensors: Any, name: str, where: str) -> tuple[int, ...]:
    """Return the shape of a tensor in an open file; raise ValueError unless it holds floats."""
    part = tensors.get_slice(name)
    if part.get_dtype() not in FLOATS:
        raise ValueError(f"{where} must be of floating point, got {part.get_dtype()}")
    return tuple(part.get_shape())


def read_finite(tensors: Any, name: str, where: str, dtype: torch.dtype | None = None) -> Tensor:
    """Return a copy of a tensor in an open file, in `dtype` or its own dtype.

    Raises ValueError for numbers that are not finite, or that `dtype` cannot hold.
    """
    # A copy, since memory mapped from a file changes with the file.
    stored: Tensor = tensors.get_tensor(name)
    return as_finite(stored, where, dtype or stored.dtype, copy=True)


def as_finite(tensor: Tensor, where: str, dtype: torch.dtype, *, copy: bool = False) -> Tensor:
    """Return a tensor in `dtype`; raise ValueError for numbers that are not finite in it."""
    converted = tensor.to(dtype, copy=copy)
    if not bool(converted.isfinite().all()):
        raise ValueError(
            f"{where} must hold finite numbers, got NaN or infinity"
            if not bool(tensor.isfinite().all())
            else f"{where} must hold numbers that {dtype} can hold, got larger ones"
        )
    return converted
