"""A repository on the Hub, read through huggingface_hub's cache."""

from __future__ import annotations

import os
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from huggingface_hub import (
    HfApi,
    constants,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    FileMetadataError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RevisionNotFoundError,
)

from stylekernel_hf.hub.hub_errors import hub_errors, unreachable
from stylekernel_hf.hub.hub_sums import is_of_sum

_OFFLINE_ADVICE = "; load it once online, without HF_HUB_OFFLINE=1 and local_files_only"
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class HubAccess:
    """How repositories on the Hub are read; of no use to local folders."""

    revision: str | None = None
    token: str | bool | None = None
    cache_dir: str | os.PathLike[str] | None = None
    local_files_only: bool = False


class HubRepository:
    """A model repository on the Hub; all its files come from one commit, through the cache.

    If the Hub cannot be reached, the cache is all there is, as it is offline.
    """

    def __init__(self, repo_id: str, access: HubAccess, argument: str) -> None:
        revision = f" at revision '{access.revision}'" if access.revision else ""
        self._offline = access.local_files_only or constants.HF_HUB_OFFLINE
        self.name = f"{'the cached part of ' if self._offline else ''}'{repo_id}'{revision}"
        self.origin = repo_id
        self._access = access
        self._argument = argument
        self._cache_dir = Path(access.cache_dir) if access.cache_dir else None
        is_commit = _COMMIT.fullmatch(access.revision or "")
        self._commit = access.revision if is_commit else None
        # None until the Hub was asked.
        self._reached: bool | None = False if self._offline else None
        self._failure: OSError | None = None

    def find(self, path: str) -> Path | None:
        """Return the file's path in the cache, or None if there is no such file.

        Without the Hub, a file that is not in the cache counts as one that is not there. Raises
        RevisionNotFoundError, and other OSErrors for a download that fails.
        """
        # A path, None if nothing is known, or an object for a file that the commit does not have.
        found = cast(
            object,
            try_to_load_from_cache(self.origin, path, self._cache_dir, self._revision),
        )
        settled = self._reached is False or (self._commit is not None and found is not None)
        # huggingface_hub is quick to give what it has, but tries for half a minute to get the rest.
        if not settled and (isinstance(found, str) or self._can_be_reached(path)):
            found = self._download(path, found)
        if not isinstance(found, str):
            return None
        # A push between two files must not mix two commits.
        self._commit = Path(found).parents[path.count("/")].name
        return Path(found)

    def list_files(self) -> list[str]:
        """Return the repository's paths; without the Hub none."""
        if not self._reached:
            return []
        with self._errors():
            api = HfApi(token=self._access.token)
            return api.list_repo_files(self.origin, revision=self._revision)

    def missing(self, message: str, hint: str = "") -> OSError:
        """Return the error for a file that was not found: the Hub's, if it could not be asked."""
        failure = self._failure
        if failure is None:
            return FileNotFoundError(message + (_OFFLINE_ADVICE if self._offline else hint))
        if isinstance(failure, HfHubHTTPError) and failure.response.status_code in (401, 403, 404):
            return failure
        return unreachable(self.origin, self._argument, failure)

    @property
    def _revision(self) -> str | None:
        return self._commit or self._access.revision

    def _errors(self) -> AbstractContextManager[None]:
        return hub_errors(self.origin, self._argument, self._access.revision)

    def _can_be_reached(self, path: str) -> bool:
        """Ask the Hub for a file, once and without trying again; remember why it did not answer."""
        if self._reached is None:
            url = hf_hub_url(self.origin, path, revision=self._revision)
            timeout = constants.HF_HUB_ETAG_TIMEOUT
            try:
                with self._errors():
                    answer = get_hf_file_metadata(url, token=self._access.token, timeout=timeout)
                    if answer.commit_hash is None:
                        raise FileMetadataError("what answered is no Hub")
            except EntryNotFoundError:
                pass
            except RevisionNotFoundError:
                raise
            except OSError as error:
                self._failure = error
            self._reached = self._failure is None
        return self._reached

    def _download(self, path: str, cached: object) -> str | None:
        try:
            with self._errors():
                found = hf_hub_download(
                    self.origin,
                    path,
                    revision=self._revision,
                    token=self._access.token,
                    cache_dir=self._cache_dir,
                )
                if found != cached:
                    _check_arrival(Path(found))
                return found
        except LocalEntryNotFoundError:
            raise  # A subclass of the next one, for a Hub that did not answer.
        except EntryNotFoundError as error:
            answer = cast(HfHubHTTPError, error).response
            self._commit = answer.headers.get(constants.HUGGINGFACE_HEADER_X_REPO_COMMIT)
            return None


def _check_arrival(found: Path) -> None:
    """Raise an error for a file that is not what the Hub has, and forget it."""
    # The cache calls the files themselves by their sums, and links to them where links are had.
    if found.is_symlink() and not is_of_sum(found, found.readlink().name):
        found.resolve().unlink()
        found.unlink()
        raise ConnectionError(f"{found.name} arrived damaged")
