"""Where results are to go, looked at before the work: what is wrong with it would be lost work."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

_MAX_NAME_BYTES = 255
_MAX_PATH_BYTES = 4095


def check_output_file(path: Path, *, name: str, makes_folder: bool = False) -> None:
    """Raise OSError or ValueError, with the argument's name, where no file can be written.

    Its folder must be there, unless the caller `makes_folder`. Nothing is left behind.
    """
    if str(path) == "-":
        raise ValueError(f"{name} must be a file, nothing is written to standard output ('-')")
    if os.path.isdir(path):
        raise IsADirectoryError(f"{name} must be a file, but '{path}' is a folder")
    if _is_special(path):
        raise ValueError(f"{name} must be a file of its own, but '{path}' is a device or a pipe")
    if not makes_folder and not os.path.isdir(path.parent):
        raise FileNotFoundError(f"{name}: no such folder: '{path.parent}'")
    check_output_folder(path.parent, name=name)
    _check_length(path, _first_there(path.parent), name)


def check_output_folder(path: Path, *, name: str) -> None:
    """Raise OSError or ValueError, with the argument's name, where no folder can be filled.

    It need not be there, and neither do those above it. Nothing is left behind.
    """
    if str(path) == "-":
        raise ValueError(f"{name} must be a folder, nothing is written to standard output ('-')")
    there = _first_there(path)
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
    """Raise ValueError where an output is also one of the inputs, by whatever path."""
    read = {_identity(path) for path in inputs} - {None}
    for output in outputs:
        if _identity(output) in read:
            raise ValueError(
                f"{name} must not take the place of a file that is read, got '{output}': name "
                "another file or folder"
            )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _is_special(path: Path) -> bool:
    """Say whether a path is no file's: /dev/stdout may lead to one, and is not to be replaced."""
    folder = path.absolute().parent.parts[1:]
    of_the_system = folder[:1] == ("proc",) or folder in {("dev",), ("dev", "fd")}
    return os.path.exists(path) and (of_the_system or not path.is_file())


def _kind(path: Path) -> str:
    if not os.path.exists(path):
        return "a link to nothing"
    return "a file" if os.path.isfile(path) and not _is_special(path) else "a device or a pipe"


def _first_there(path: Path) -> Path:
    while not os.path.lexists(path) and path != path.parent:
        path = path.parent
    return path


def _check_length(path: Path, there: Path, name: str) -> None:
    told = os.pathconf(there, "PC_NAME_MAX") if hasattr(os, "pathconf") else 0
    longest = told if told > 0 else _MAX_NAME_BYTES
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
