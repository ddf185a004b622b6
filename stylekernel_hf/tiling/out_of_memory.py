"""Retry in smaller tiles when a device runs out of memory."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Generator
from typing import Protocol, TypeVar

import torch

logger = logging.getLogger(__name__)
# Torch's allocators for the CPU and for MPS raise a RuntimeError with these messages.
_COMPLAINTS = ("can't allocate memory", "MPS backend out of memory")
_Self = TypeVar("_Self")


class _InTiles(Protocol):
    height: int
    width: int

    @property
    def tile_size(self) -> int | None: ...

    def in_smaller_tiles(self: _Self) -> _Self: ...


_Picture = TypeVar("_Picture", bound=_InTiles)
_Result = TypeVar("_Result")


def retry_in_smaller_tiles(
    picture: _Picture,
    work: Callable[[_Picture], _Result],
    device: torch.device,
    *,
    name: str,
    remedy: str,
    on_retry: Callable[[_Picture], None] | None = None,
) -> _Result:
    """Do the work; if `device` runs out of memory, retry once in tiles of half the side.

    `on_retry` is called with the picture in smaller tiles before the retry. If memory runs out
    again, MemoryError names the picture (`name`) and the argument to make smaller (`remedy`).
    """
    with contextlib.suppress(torch.OutOfMemoryError), _out_of_memory_named():
        return work(picture)
    # Outside the handler: the error's traceback would keep tensors alive on the device.
    smaller = picture.in_smaller_tiles()
    logger.warning("out of memory on %s: trying tiles of %s px", device, smaller.tile_size)
    if on_retry is not None:
        on_retry(smaller)
    try:
        with _out_of_memory_named():
            return work(smaller)
    except torch.OutOfMemoryError as error:
        raise MemoryError(
            f"{name} of {smaller.width}x{smaller.height} px needs more memory than {device} has, "
            f"even in tiles of {smaller.tile_size} px: choose a smaller {remedy}"
        ) from error


@contextlib.contextmanager
def _out_of_memory_named() -> Generator[None]:
    """Raise torch.OutOfMemoryError for the CPU and MPS too, as torch does for CUDA."""
    try:
        yield
    except RuntimeError as error:
        if any(complaint in str(error) for complaint in _COMPLAINTS):
            raise torch.OutOfMemoryError(str(error)) from error
        raise
