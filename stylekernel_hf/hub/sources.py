"""Where the files of a checkpoint come from: a local folder, or a repository on the Hub."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from stylekernel_hf.hub.hub_repository import HubAccess, HubRepository


class Source(Protocol):
    """A set of files under one name; paths in it are relative, with forward slashes."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        ...

    @property
    def origin(self) -> str:
        """The Hub id, or the folder."""
        ...

    def find(self, path: str) -> Path | None:
        """Return a local copy of the file, or None if there is no such file."""
        ...

    def list_files(self) -> list[str]:
        """Return the files' paths as far as they are known without reading them."""
        ...

    def missing(self, message: str, hint: str = "") -> OSError:
        """Return the error for a file that was not found, with what to do about it.

        `hint` is of use only if there is nothing better to say.
        """
        ...


class LocalFolder:
    """A folder on disk."""

    def __init__(self, root: Path) -> None:
        self.name = f"'{root}'"
        self.origin = str(root)
        self._root = root

    def find(self, path: str) -> Path | None:
        """Return the file's path, or None if there is no such file."""
        found = self._root / path
        return found if found.is_file() else None

    def list_files(self) -> list[str]:
        """Return the paths of the folder's files, those of its subfolders included."""
        files = (path for path in self._root.rglob("*") if path.is_file())
        return sorted(path.relative_to(self._root).as_posix() for path in files)

    def missing(self, message: str, hint: str = "") -> OSError:
        """Return the error for a file that was not found."""
        return FileNotFoundError(message + hint)


def open_source(
    source: str | os.PathLike[str], access: HubAccess, *, argument: str = "model"
) -> Source:
    """Return the folder `source`, or if there is none, the Hub repository of that id.

    A path object is always a folder. FileNotFoundError for what is neither.
    """
    folder = Path(source)
    if folder.is_dir():
        return LocalFolder(folder)
    if isinstance(source, str) and is_hub_id(source):
        return HubRepository(source, access, argument)
    raise FileNotFoundError(
        f"{argument}: no such folder: '{folder}' (a repository on the Hub is named 'owner/name')"
    )


def is_hub_id(name: str) -> bool:
    """Return whether a name has the form of a Hub repository's, "owner/name"."""
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return "/" in name
