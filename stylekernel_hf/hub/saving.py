"""Folders whose files a crash leaves as they were, or as they should be."""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from stylekernel_hf.files.atomic_write import locked_folder, raise_for_target, temporary_path

_WEIGHTS = re.compile(r"(diffusion_pytorch_model)(\.\w+)?(-\d{5}-of-\d{5})?\.safetensors")
_INDEX = re.compile(r"diffusion_pytorch_model\.safetensors\.index(\.\w+)?\.json")


@contextmanager
def staged_folder(target: str | os.PathLike[str]) -> Generator[Path]:
    """Give an empty folder to write to, and put what was written into `target` at the end.

    A new target appears whole or not at all. In one that exists, each file is replaced in one
    step, weights first; other files stay, but for those of an earlier save of the same weights.
    Of two savers at once, the later one waits, and replaces what the other one saved.

    OSErrors of what is being written name `target`.
    """
    folder = Path(target)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"save_directory must be a folder, and '{folder}' is a file")
    exists = folder.is_dir()
    staging: Path | None = None
    try:
        if not exists:
            folder.parent.mkdir(parents=True, exist_ok=True)
        # Beside or in the target, so that moving is renaming.
        parent = folder if exists else folder.parent
        with temporary_path(parent, folder=True) as staging:
            yield staging
            if not exists and _appears(staging, folder):
                return
            with locked_folder(folder):
                _move_files(staging, folder)
    except OSError as error:
        raise_for_target(error, folder, staging)


def _appears(staging: Path, folder: Path) -> bool:
    """Give a folder its name; False if in the meantime there is one of that name."""
    try:
        staging.replace(folder)
    except OSError:
        if not folder.is_dir():
            raise
        return False
    return True


def _move_files(staging: Path, target: Path) -> None:
    files = [path.relative_to(staging) for path in staging.rglob("*") if path.is_file()]
    for path in files:
        if (target / path).is_dir():
            raise IsADirectoryError(f"save_directory: '{target / path}' must be a file")
        # Made before anything is moved: what is in their way is found in time.
        (target / path).parent.mkdir(parents=True, exist_ok=True)
    stale = _stale_weights(files, target)
    # Without its index a half-replaced set of shards is no set: refused, not mixed.
    for path in files:
        if _INDEX.fullmatch(path.name):
            (target / path).unlink(missing_ok=True)
    for path in sorted(files, key=_order):
        (staging / path).replace(target / path)
    for path in stale:
        path.unlink(missing_ok=True)


def _order(path: Path) -> tuple[int, str]:
    rank = 0 if _WEIGHTS.fullmatch(path.name) else 1 if _INDEX.fullmatch(path.name) else 2
    return rank, path.as_posix()


def _stale_weights(files: list[Path], target: Path) -> list[Path]:
    """Weights in the target of the same folder and variant that the new files do not replace."""
    kept = {target / path for path in files}
    written = {(target / path.parent, _variant(path.name)) for path in files} - {(target, None)}
    return [
        path
        for folder in {folder for folder, _ in written}
        if folder.is_dir()
        for path in folder.iterdir()
        if path not in kept
        and (variant := _variant(path.name)) is not None
        and (folder, variant) in written
    ]


def _variant(name: str) -> str | None:
    """Return the variant of a file of weights ("" for none), or None for any other file."""
    if match := _WEIGHTS.fullmatch(name):
        return match[2] or ""
    if match := _INDEX.fullmatch(name):
        return match[1] or ""
    return None
