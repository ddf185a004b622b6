"""Tensors of safetensors files as NumPy arrays, in every precision that torch writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from safetensors import deserialize

Floats: TypeAlias = npt.NDArray[np.float32]
_TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16}


class StoredArrays:
    """The tensors of a file whose header was checked; see `safetensors_header`."""

    def __init__(self, path: Path) -> None:
        self._stored: Mapping[str, Mapping[str, Any]] = dict(deserialize(path.read_bytes()))

    def read_finite(self, name: str, where: str) -> Floats:
        """Return a tensor in float32; ValueError for numbers that are not finite in it."""
        return check_finite(_array(self._stored[name]), where)


def check_finite(values: Floats, where: str) -> Floats:
    """Return the values; ValueError for numbers that are not finite."""
    if not np.isfinite(values).all():
        raise ValueError(f"{where} must hold finite numbers, got NaN or infinity")
    return values


def _array(stored: Mapping[str, Any]) -> Floats:
    if stored["dtype"] == "BF16":
        # NumPy has no bfloat16: these are the upper halves of numbers in float32.
        halves = np.frombuffer(stored["data"], "<u2").astype(np.uint32)
        return (halves << 16).view(np.float32).reshape(stored["shape"])
    kind = np.dtype(_TYPES[stored["dtype"]]).newbyteorder("<")
    with np.errstate(over="ignore"):  # Too large numbers become infinite, and are refused.
        return np.frombuffer(stored["data"], kind).reshape(stored["shape"]).astype(np.float32)
