"""Importing torch in less time, and as it is."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Generator


@contextlib.contextmanager
def quick_imports() -> Generator[None]:
    """Import without the garbage collector, in four fifths of the time.

    What a module defines stays for good: the collector looks through a million new objects again
    and again and finds nothing. Whoever has it off, or keeps frozen objects from it, is left alone.
    """
    if not gc.isenabled() or gc.get_freeze_count():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        # Moves all objects to the oldest generation, without a look at them; otherwise the first
        # collection of the youngest would make up for those that were left out.
        gc.freeze()
        gc.unfreeze()
        gc.enable()
