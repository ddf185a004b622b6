"""libvips, which reads and writes pictures row by row: the optional extra "large"."""

from __future__ import annotations

from typing import Any


def import_vips() -> Any:
    """Return pyvips; ImportError with the name of the extra where it is missing."""
    try:
        import pyvips  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]
    except (ImportError, OSError) as error:  # OSError: the binding without libvips itself.
        raise ImportError(
            'pictures too large for memory need libvips: pip install "stylekernel-hf[large]"'
        ) from error
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
