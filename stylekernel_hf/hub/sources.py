"""Where the files of a checkpoint come from: a local folder, or a repository on the Hub."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from stylekernel_hf.hub.hub_repository import HubAccess, HubRepository


class Source(Protocol):
    """Files of a checkpoint, by paths relative to its root, with forward slashes."""

    @property
    def name(self) -> str:
        """The name of the source in messages."""
        ...

    @property
    def origin(self) -> str:
        """The Hub id, or the folder."""
        ...

    def find(self, path: str) -> Path | None:
        """Return a local copy of the file, or None if there is no such file."""
        ...

    def list_files(self) -> list[str]:
        """Return the paths of the files that can be listed without a download."""
        ...

    def missing(self, message: str, hint: str = "") -> OSError:
        """Return the error for a missing file, which says what to do.

        The `hint` is added where the source knows no better advice.
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
        local = self._root / path
        return local if local.is_file() else None

    def list_files(self) -> list[str]:
        """Return the paths of the folder's files, those of its subfolders included."""
        files = (path for path in self._root.rglob("*") if path.is_file())
        return sorted(path.relative_to(self._root).as_posix() for path in files)

    def missing(self, message: str, hint: str = "") -> OSError:
        """Return the error for a missing file."""
        return FileNotFoundError(message + hint)


def open_source(
    source: str | os.PathLike[str], access: HubAccess, *, argument: str = "model"
) -> Source:
    """Return the folder `source`, or the Hub repository of that id if there is no such folder.

    A path object is always a folder. FileNotFoundError for anything else.
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
