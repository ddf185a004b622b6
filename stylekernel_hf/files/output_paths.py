"""Checks of output paths, made before the work, whose results would be lost."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

_MAX_NAME_BYTES = 255
_MAX_PATH_BYTES = 4095


def check_output_file(path: Path, *, name: str, makes_folder: bool = False) -> None:
    """Raise OSError or ValueError, with the argument's name, if the file cannot be written.

    Its folder must exist, unless the caller `makes_folder`. No file is left behind.
    """
    if str(path) == "-":
        raise ValueError(f"{name} must be a file, got '-': standard output is not supported")
    if os.path.isdir(path):
        raise IsADirectoryError(f"{name} must be a file, but '{path}' is a folder")
    if _is_special(path):
        raise ValueError(f"{name} must be a regular file, but '{path}' is a device or a pipe")
    if not makes_folder and not os.path.isdir(path.parent):
        raise FileNotFoundError(f"{name}: no such folder: '{path.parent}'")
    check_output_folder(path.parent, name=name)
    _check_length(path, _nearest_existing(path.parent), name)


def check_output_folder(path: Path, *, name: str) -> None:
    """Raise OSError or ValueError, with the argument's name, if the folder cannot be written to.

    The folder and its parents need not exist. Nothing is left behind.
    """
    if str(path) == "-":
        raise ValueError(f"{name} must be a folder, got '-': standard output is not supported")
    there = _nearest_existing(path)
    if not os.path.isdir(there):
        raise NotADirectoryError(f"{name} must be a folder, but '{there}' is {_kind(there)}")
    for part in [path, *path.parents]:
        if part == there:
            break
        _check_length(part, there, name)
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise type(error)(
            f"{name}: cannot write to the folder '{there}': {error.strerror}"
        ) from error


def check_not_read(outputs: Iterable[Path], inputs: Iterable[Path], *, name: str) -> None:
    """Raise ValueError if an output is also an input, even by another path or a link."""
    read = {_identity(path) for path in inputs} - {None}
    for output in outputs:
        if _identity(output) in read:
            raise ValueError(
                f"{name} must not replace a file that is read, got '{output}': "
                "name another file or folder"
            )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _is_special(path: Path) -> bool:
    """Return whether a path is a device or a pipe, or may link to one like /dev/stdout."""
    folder = path.absolute().parent.parts[1:]
    of_the_system = folder[:1] == ("proc",) or folder in {("dev",), ("dev", "fd")}
    return os.path.exists(path) and (of_the_system or not path.is_file())


def _kind(path: Path) -> str:
    if not os.path.exists(path):
        return "a dangling link"
    return "a file" if os.path.isfile(path) and not _is_special(path) else "a device or a pipe"


def _nearest_existing(path: Path) -> Path:
    while not os.path.lexists(path) and path != path.parent:
        path = path.parent
    return path


def _check_length(path: Path, there: Path, name: str) -> None:
    limit = os.pathconf(there, "PC_NAME_MAX") if hasattr(os, "pathconf") else 0
    longest = limit if limit > 0 else _MAX_NAME_BYTES
    if len(os.fsencode(path.name)) > longest:
        raise ValueError(
            f"{name} must have names of at most {longest} bytes, got "
            f"{len(os.fsencode(path.name))} for '{path.name}'"
        )
    if len(os.fsencode(path.absolute())) > _MAX_PATH_BYTES:
        raise ValueError(
            f"{name} must be a path of at most {_MAX_PATH_BYTES} bytes, got "
            f"{len(os.fsencode(path.absolute()))}"
        )
