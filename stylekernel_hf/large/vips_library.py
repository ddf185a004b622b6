"""Access to libvips, which reads and writes images row by row (the extra "large")."""

from __future__ import annotations

from typing import Any

from stylekernel_hf.errors.messages import extra_required


def import_vips() -> Any:
    """Return pyvips; raise ImportError that names the extra where it is missing."""
    with extra_required("large", "an image too large for memory", "libvips"):
        import pyvips  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]
    return pyvips


def has_vips() -> bool:
    """Return whether libvips is installed."""
    try:
        import_vips()
    except ImportError:
        return False
    return True


def vips_message(error: Any) -> str:
    """Return the message of a libvips error and the first line of its details."""
    lines = [line for line in f"{error.message}\n{error.detail}".splitlines() if line]
    return "; ".join(lines[:2])
