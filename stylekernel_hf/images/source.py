"""Sources of images: files, pipes, which are read to their end, and bytes in memory."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import BinaryIO, TypeAlias

Stream: TypeAlias = io.BytesIO | io.BufferedReader

MAX_PIPE_BYTES = 2**29
"""Limit of the data from a pipe, which are held in memory."""

_KINDS = {
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def open_source(source: object, name: str) -> tuple[Stream, str]:
    """Open a path, or the bytes of a file, and return the stream and its label for errors.

    Raises TypeError for another type, OSError for the path, and ValueError for a path that is
    neither a file nor a pipe.
    """
    if isinstance(source, bytes):
        return io.BytesIO(source), "the data given"
    path = os.fspath(source) if isinstance(source, os.PathLike) else source
    if not isinstance(path, str):
        raise TypeError(
            f"{name} must be a path, bytes of an image file or a PIL image, "
            f"got {type(source).__name__}"
        )
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)  # noqa: PTH116 - To Path, "" is ".".
        _check_kind(kind, path, name)
        stream = open(path, "rb")  # noqa: SIM115 - It is returned.
    except FileNotFoundError as error:
        hint = " (standard input is called '/dev/stdin')" if path == "-" else ""
        raise FileNotFoundError(f"{name}: no such file: {path!r}{hint}") from error
    except OSError as error:
        if error.errno is None:
            raise
        raise type(error)(f"{name}: cannot open {path!r}: {error.strerror}") from error
    except ValueError as error:
        if str(error).startswith(f"{name} must"):
            raise
        raise ValueError(f"{name} must be the path of a file, got {path!r}: {error}") from error
    if kind != stat.S_IFIFO:
        return stream, repr(path)
    with stream:
        return _read_pipe(stream, path, name), repr(path)


def is_regular_file(path: str | os.PathLike[str]) -> bool:
    """Return whether a path can be read more than once, unlike a pipe."""
    return Path(path).is_file()


def _check_kind(kind: int, path: str, name: str) -> None:
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(f"{name} must be an image file, but {path!r} is a folder")
    if kind in _KINDS:
        raise ValueError(f"{name} must be an image file, but {path!r} is {_KINDS[kind]}")


def _read_pipe(pipe: BinaryIO, path: str, name: str) -> io.BytesIO:
    data = pipe.read(MAX_PIPE_BYTES + 1)
    if len(data) > MAX_PIPE_BYTES:
        raise ValueError(
            f"{name} must be a file, or at most {MAX_PIPE_BYTES >> 20} MiB from a pipe, "
            f"got more from {path!r}"
        )
    if not data:
        raise ValueError(
            f"{name} must be an image file, but nothing came from {path!r}: a pipe can be read "
            f"only once"
        )
    return io.BytesIO(data)
