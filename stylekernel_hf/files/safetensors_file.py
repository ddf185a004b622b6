"""Tensors of untrusted safetensors files; see `safetensors_header` for what is checked before."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

FLOAT_DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


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
