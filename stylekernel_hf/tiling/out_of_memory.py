"""What happens when a device has no memory left for a content or a style."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Generator
from typing import Protocol, TypeVar

import torch

logger = logging.getLogger(__name__)
# What torch's allocators for the CPU and for MPS say, in a RuntimeError like any other.
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
    """Do the work, and where `device` runs out of memory once more in tiles of half the side.

    `on_retry` gets what will be worked on instead. MemoryError if that is too much as well: it
    tells the argument by its `name`, and which one to make smaller as the `remedy`.
    """
    with contextlib.suppress(torch.OutOfMemoryError), _out_of_memory_named():
        return work(picture)
    # Only here is the error gone, and with it what it kept alive on the device.
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
    """Raise torch.OutOfMemoryError, as CUDA does, also where the CPU or MPS has no memory left."""
    try:
        yield
    except RuntimeError as error:
        if any(complaint in str(error) for complaint in _COMPLAINTS):
            raise torch.OutOfMemoryError(str(error)) from error
        raise
