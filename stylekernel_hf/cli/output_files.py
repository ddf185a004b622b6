"""The files that commands write at their end."""

from __future__ import annotations

from pathlib import Path


def check_folders(*paths: Path | None) -> None:
    """Raise FileNotFoundError, before the work, for a file whose folder does not exist."""
    for path in paths:
        if path is not None and not path.parent.is_dir():
            raise FileNotFoundError(f"no such folder: '{path.parent}'")
