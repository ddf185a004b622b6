"""How many style tokens there are, down and across."""

from __future__ import annotations

import math


def token_grid(height: int, width: int, max_tokens: int) -> tuple[int, int]:
    """Return the largest grid of about the shape of height x width with at most `max_tokens`."""
    if height * width <= max_tokens:
        return height, width
    rows = max(1, math.floor(math.sqrt(max_tokens * height / width)))
    rows = min(rows, height, max_tokens)
    return rows, max(1, min(width, max_tokens // rows))
