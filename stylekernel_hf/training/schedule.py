"""The learning rate over a run."""

from __future__ import annotations

import math


def cosine_with_warmup(step: int, steps: int, *, warmup_steps: int, floor: float = 0.0) -> float:
    """Return the factor of the peak rate: a linear rise, times half a cosine down to `floor`."""
    warmup = min(1.0, (step + 1) / max(1, warmup_steps))
    return warmup * max(floor, 0.5 * (1 + math.cos(math.pi * step / steps)))
