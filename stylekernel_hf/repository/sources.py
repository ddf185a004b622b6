"""Where the files of a checkpoint come from: a local folder, or a repository on the Hub."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from huggingface_hub import HfApi, constants, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
_OFFLINE_ADVICE = "; load it once online, without HF_HUB_OFFLINE=1 and local_files_only"


@dataclass(frozen=True)
class HubAccess:
    """How repositories on the Hub are read; of no use to local folders."""

    revision: str | None = None
    token: str | bool | None = None
    cache_dir: str | os.PathLike[str] | None = None
    local_files_only: bool = False


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

    @property
    def advice(self) -> str:
        """What to do about a file that is missing, to be put after the message, or nothing."""
        ...

    def find(self, path: str) -> Path | None:
        """Return a local copy of the file, or None if there is no such file."""
        ...

    def list_files(self) -> list[str]:
        """Return the files' paths as far as they are known without reading them."""
        ...


class LocalFolder:
    """A folder on disk."""

    def __init__(self, root: Path) -> None:
        self.name = f"'{root}'"
        self.origin = str(root)
        self.advice = ""
        self._root = root

    def find(self, path: str) -> Path | None:
        """Return the file's path, or None if there is no such file."""
        found = self._root / path
        return found if found.is_file() else None

    def list_files(self) -> list[str]:
        """Return the paths of the folder's files, those of its subfolders included."""
        files = (path for path in self._root.rglob("*") if path.is_file())
        return sorted(path.relative_to(self._root).as_posix() for path in files)


class HubRepository:
    """A model repository on the Hub; all its files come from one commit, through the cache."""

    def __init__(self, repo_id: str, access: HubAccess, argument: str) -> None:
        revision = f" at revision '{access.revision}'" if access.revision else ""
        self._offline = access.local_files_only or constants.HF_HUB_OFFLINE
        self.name = f"{'the cached part of ' if self._offline else ''}'{repo_id}'{revision}"
        self.origin = repo_id
        self.advice = _OFFLINE_ADVICE if self._offline else ""
        self._access = access
        self._argument = argument
        self._commit: str | None = None

    def find(self, path: str) -> Path | None:
        """Return the file's path in the cache, or None if there is no such file.

        Offline, a file that is not in the cache counts as one that is not there. Raises
        huggingface_hub's errors for a repository or revision that cannot be had.
        """
        access = self._access
        try:
            found = Path(
                hf_hub_download(
                    self.origin,
                    path,
                    revision=self._commit or access.revision,
                    token=access.token,
                    cache_dir=Path(access.cache_dir) if access.cache_dir else None,
                    local_files_only=access.local_files_only,
                )
            )
        except LocalEntryNotFoundError as error:
            if self._offline:
                return None
            raise LocalEntryNotFoundError(
                f"{self._argument}: {self.name} can neither be reached nor found in the cache; "
                f"check the connection and try again: {error.__cause__ or error}"
            ) from error
        except EntryNotFoundError:
            return None
        except RevisionNotFoundError as error:
            raise RevisionNotFoundError(
                f"revision: '{self.origin}' on the Hub has no '{access.revision}'; give one of "
                "its branches, tags or commits, or leave revision out",
                response=error.response,
            ) from error
        except RepositoryNotFoundError as error:
            raise type(error)(
                f"{self._argument}: no such folder, and no repository on the Hub that may be read "
                f"from here: '{self.origin}'; check the name, and for a private one give token= "
                "or log in with `hf auth login`",
                response=error.response,
            ) from error
        # A push between two files must not mix two commits.
        self._commit = found.parents[path.count("/")].name
        return found

    def list_files(self) -> list[str]:
        """Return the repository's paths; offline none."""
        if self._offline:
            return []
        revision = self._commit or self._access.revision
        return HfApi(token=self._access.token).list_repo_files(self.origin, revision=revision)


def open_source(
    source: str | os.PathLike[str], access: HubAccess, *, argument: str = "model"
) -> Source:
    """Return the folder `source`, or if there is none, the Hub repository of that id.

    A path object is always a folder. FileNotFoundError for what is neither.
    """
    folder = Path(source)
    if folder.is_dir():
        return LocalFolder(folder)
    if isinstance(source, str) and _HUB_ID.fullmatch(source):
        return HubRepository(source, access, argument)
    raise FileNotFoundError(
        f"{argument}: no such folder: '{folder}' (a repository on the Hub is named 'owner/name')"
    )


def is_hub_id(name: str) -> bool:
    """Say whether the name has the form of a Hub repository's, "owner/name"."""
    return _HUB_ID.fullmatch(name) is not None
