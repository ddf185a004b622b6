"""What a warning says of an error whose whole story is too long for it."""

from __future__ import annotations


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or the name of its type if it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
