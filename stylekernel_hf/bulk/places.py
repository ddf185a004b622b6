"""Where photos come from and pictures go: local folders, and addresses that pyarrow knows."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import pyarrow as pa
import pyarrow.fs

from stylekernel_hf.errors.messages import in_one_line

# pyarrow has no types.
FileSystem: TypeAlias = Any


def open_folder(place: str, *, name: str) -> tuple[FileSystem, str]:
    """Return the file system of a local folder or an address such as s3://bucket/folder.

    Its path there comes second. ValueError, with the argument's `name`, for an address that
    pyarrow does not know.
    """
    if "://" not in place:
        return pyarrow.fs.LocalFileSystem(), str(Path(place).absolute())
    try:
        return pyarrow.fs.FileSystem.from_uri(place)
    except (pa.ArrowInvalid, ValueError) as error:
        reason = in_one_line(error).replace(place, shown_place(place))
        raise ValueError(
            f"{name} must be a folder or an address that pyarrow knows, "
            f"got '{shown_place(place)}': {reason}"
        ) from error


def shown_place(place: str) -> str:
    """Return an address as messages and files show it: without the keys that open it."""
    if "://" not in place:
        return place
    try:
        parts = urlsplit(place)
    except ValueError:  # It is no address, and pyarrow has said so.
        return place.partition("://")[0] + "://"
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def absolute(place: str) -> str:
    """Return an address as it is, and a folder such that other processes find it."""
    return place if "://" in place else str(Path(place).absolute())


@contextmanager
def place_errors(name: str, place: str) -> Generator[None]:
    """Name the argument and its place in errors of the file system: a wrong key, no network."""
    try:
        yield
    # Google's store calls a missing bucket an invalid argument.
    except (OSError, pa.ArrowInvalid) as error:
        raise OSError(
            f"{name} '{shown_place(place)}' cannot be opened: {in_one_line(error)}"
        ) from error
