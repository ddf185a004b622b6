"""Atomic saving into folders: a crash leaves the old files or the new ones."""

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
    """Yield an empty folder to write to, and move its files into `target` at the end.

    A new target appears whole or not at all. In an existing target, each file is replaced in one
    step, weights first. Other files stay, except weights of an earlier save of the same variant.
    If two processes save at once, the second waits and replaces the files of the first.

    An OSError while writing names `target`.
    """
    folder = Path(target)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"save_directory must be a folder, and '{folder}' is a file")
    exists = folder.is_dir()
    staging: Path | None = None
    try:
        if not exists:
            folder.parent.mkdir(parents=True, exist_ok=True)
        # Beside or in the target, so that files are renamed and not copied.
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
    """Rename the staging folder; return False if the target was created meanwhile."""
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
        # Folders are made first, so that obstacles are found before any file is moved.
        (target / path).parent.mkdir(parents=True, exist_ok=True)
    stale = _stale_weights(files, target)
    # Without an index, a half-replaced set of shards is refused instead of mixed.
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
    """Return older weights of the same folders and variants that no new file replaces."""
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
