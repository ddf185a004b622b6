"""libvips, which reads and writes pictures row by row: the optional extra "large"."""

from __future__ import annotations

from typing import Any

from stylekernel_hf.errors.messages import extra_required


def import_vips() -> Any:
    """Return pyvips; ImportError with the name of the extra where it is missing."""
    with extra_required("large", "an image too large for memory", "libvips"):
        import pyvips  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]
    return pyvips


def has_vips() -> bool:
    """Say whether libvips is there."""
    try:
        import_vips()
    except ImportError:
        return False
    return True


def told_by_vips(error: Any) -> str:
    """Return what an error of libvips says: its message, and of the lines of detail the first."""
    lines = [line for line in f"{error.message}\n{error.detail}".splitlines() if line]
    return "; ".join(lines[:2])
