"""The learning rate over a run, and what runs of few steps set otherwise."""

from __future__ import annotations

import math
from typing import Any


def cosine_with_warmup(step: int, steps: int, *, warmup_steps: int, floor: float = 0.0) -> float:
    """Return the factor of the peak rate: a linear rise, times half a cosine down to `floor`."""
    warmup = min(1.0, (step + 1) / max(1, warmup_steps))
    return warmup * max(floor, 0.5 * (1 + math.cos(math.pi * step / steps)))


def short_run(steps: int) -> dict[str, Any]:
    """Return the settings by which a run of few steps differs from a long one.

    It averages over its last tenth; a longer average would hold on to the start.
    """
    return {"warmup_steps": max(1, steps // 15), "ema_decay": 1 - 1 / max(2, steps // 10)}
