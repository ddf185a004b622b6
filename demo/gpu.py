"""ZeroGPU: where a Space lends a GPU for each call, the calls that need it ask for one."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

# Imported with this module, because it must come before anything that uses CUDA.
_spaces = importlib.import_module("spaces") if importlib.util.find_spec("spaces") else None

LENDS_GPU = _spaces is not None
"""Whether calls must ask for a GPU, and a camera, which is no call, cannot have one."""


def on_gpu(handler: Callable[..., Any], *, seconds: float) -> Callable[..., Any]:
    """Return the handler under ZeroGPU's decorator where `spaces` is installed, else as it is."""
    return handler if _spaces is None else _spaces.GPU(handler, duration=round(seconds))
