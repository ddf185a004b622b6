"""A repository on the Hub, read through huggingface_hub's cache.

`snapshot_download` is not used: it compares sizes but no digests, a single call would download
weights before the config and the index are checked, and older versions return an incomplete folder
while the Hub does not answer.
"""

from __future__ import annotations

import hashlib
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
from huggingface_hub.utils.sha import git_hash, sha_fileobj

from stylekernel_hf.hub.hub_errors import hub_errors, unreachable

_OFFLINE_ADVICE = "; load it once online, without HF_HUB_OFFLINE=1 and local_files_only"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA1_DIGITS, _SHA256_DIGITS = 40, 64


@dataclass(frozen=True)
class HubAccess:
    """How repositories on the Hub are read; without effect on local folders."""

    revision: str | None = None
    token: str | bool | None = None
    cache_dir: str | os.PathLike[str] | None = None
    local_files_only: bool = False


class HubRepository:
    """A model repository on the Hub, all of whose files come from one commit.

    If the Hub does not answer, files come from the cache alone, as when offline.
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
        # None until the Hub is asked.
        self._reached: bool | None = False if self._offline else None
        self._failure: OSError | None = None

    def find(self, path: str) -> Path | None:
        """Return the file's path in the cache, or None if there is no such file.

        If the Hub does not answer, a file that is not in the cache counts as missing. Raises
        RevisionNotFoundError, and other OSErrors for a download that fails.
        """
        # A path, None for an unknown file, or an object for a file that the commit lacks.
        cached = cast(
            object,
            try_to_load_from_cache(self.origin, path, self._cache_dir, self._revision),
        )
        settled = self._reached is False or (self._commit is not None and cached is not None)
        # huggingface_hub serves cached files at once, but retries for half a minute to get others.
        if not settled and (isinstance(cached, str) or self._can_be_reached(path)):
            cached = self._download(path, cached)
        if not isinstance(cached, str):
            return None
        # A push between two files must not mix two commits.
        self._commit = Path(cached).parents[path.count("/")].name
        return Path(cached)

    def list_files(self) -> list[str]:
        """Return the paths of the repository's files; none if the Hub does not answer."""
        if not self._reached:
            return []
        with self._errors():
            api = HfApi(token=self._access.token)
            return api.list_repo_files(self.origin, revision=self._revision)

    def missing(self, message: str, hint: str = "") -> OSError:
        """Return the error for a missing file: the Hub's own error if it did not answer."""
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
        """Ask the Hub for a file, once and without retries, and remember a failure."""
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
                path_in_cache = hf_hub_download(
                    self.origin,
                    path,
                    revision=self._revision,
                    token=self._access.token,
                    cache_dir=self._cache_dir,
                )
                if path_in_cache != cached:
                    _check_arrival(Path(path_in_cache))
                return path_in_cache
        except LocalEntryNotFoundError:
            raise  # It is an EntryNotFoundError too, for a Hub that did not answer.
        except EntryNotFoundError as error:
            answer = cast(HfHubHTTPError, error).response
            self._commit = answer.headers.get(constants.HUGGINGFACE_HEADER_X_REPO_COMMIT)
            return None


def has_digest(path: Path, expected: str) -> bool:
    """Return whether a file has the digest by which the Hub names it.

    That is SHA-256 for large files and git's SHA-1 for others. A name of another form, as a mirror
    may use, is no digest: then True.
    """
    if len(expected) == _SHA256_DIGITS:
        with path.open("rb") as file:
            return sha_fileobj(file).hex() == expected
    if len(expected) == _SHA1_DIGITS:
        data = path.read_bytes()
        return expected in (git_hash(data), hashlib.sha1(data).hexdigest())
    return True


def _check_arrival(path: Path) -> None:
    """Remove a damaged download from the cache and raise an error; huggingface_hub checks sizes."""
    # The cache names the files by their digests, and links to them where links are supported.
    if path.is_symlink() and not has_digest(path, path.readlink().name):
        path.resolve().unlink()
        path.unlink()
        raise ConnectionError(f"{path.name} arrived damaged")
