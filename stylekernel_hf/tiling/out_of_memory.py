"""One error for a device's lack of memory, whatever the device."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

import torch

# What torch's allocators for the CPU and for MPS say, in a RuntimeError like any other.
_COMPLAINTS = ("can't allocate memory", "MPS backend out of memory")


@contextlib.contextmanager
def out_of_memory_named() -> Generator[None]:
    """Raise torch.OutOfMemoryError, as CUDA does, also where the CPU or MPS has no memory left."""
    try:
        yield
    except RuntimeError as error:
        if any(complaint in str(error) for complaint in _COMPLAINTS):
            raise torch.OutOfMemoryError(str(error)) from error
        raise
