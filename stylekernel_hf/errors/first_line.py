"""Errors in one line, for warnings and for the shell."""

from __future__ import annotations


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or the name of its type if it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def in_one_line(error: Exception) -> str:
    """Return the whole message, and the system's own words without what Python puts around them."""
    words = str(error)
    if isinstance(error, OSError) and error.strerror and words.startswith("[Errno"):
        words = (
            error.strerror if error.filename is None else f"'{error.filename}': {error.strerror}"
        )
    if isinstance(error, MemoryError) and not words:
        words = "there is not enough memory"
    return " ".join(words.split()) or type(error).__name__
