"""Pushing a folder to the Hub in one commit, on top of what was read from there."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    hf_hub_download,
)
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

from stylekernel_hf.repository.card import CARD_NAME
from stylekernel_hf.repository.sources import is_hub_id

logger = logging.getLogger(__name__)


def push_folder(
    repo_id: str,
    write: Callable[[Path, Path | None], None],
    *,
    private: bool | None,
    token: str | bool | None,
    revision: str | None,
    commit_message: str,
    replaced: Sequence[str] = (),
) -> str:
    """Create the repository if need be, and push what `write` puts into a folder.

    `write` is given the folder and the card on the Hub, or None. Files on the Hub that match the
    patterns `replaced` and are not pushed are deleted. Returns the commit's URL.
    """
    if not is_hub_id(repo_id):
        raise ValueError(f"repo_id must be 'owner/name', got {repo_id!r}")
    api = HfApi(token=token)
    api.create_repo(repo_id, private=private, exist_ok=True)
    if revision is not None:
        api.create_branch(repo_id, branch=revision, exist_ok=True)
    parent = api.model_info(repo_id, revision=revision).sha
    assert parent is not None, "the Hub gives every revision a commit"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write(folder, _download_card(repo_id, parent, token))
        try:
            # One commit, so that no reader sees half of it; upload_folder may make several.
            commit = api.create_commit(
                repo_id,
                _operations(folder, api.list_repo_files(repo_id, revision=parent), replaced),
                commit_message=commit_message,
                revision=revision,
                parent_commit=parent,
            )
        except HfHubHTTPError as error:
            if error.response.status_code == 412:
                raise HfHubHTTPError(
                    f"repo_id: somebody pushed to '{repo_id}' in the meantime; look at it, and "
                    "push again",
                    response=error.response,
                ) from error
            raise
        except RuntimeError as error:
            # huggingface_hub's, for a file whose upload failed several times.
            raise OSError(
                f"repo_id: {error} Push to '{repo_id}' again: what has arrived is not uploaded "
                f"again ({error.__cause__})"
            ) from error
    logger.info("pushed %s", commit.commit_url)
    return commit.commit_url


def _operations(
    folder: Path, there: Sequence[str], replaced: Sequence[str]
) -> list[CommitOperationAdd | CommitOperationDelete]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    added = {path.relative_to(folder).as_posix(): path for path in files}
    stale = [name for name in there if any(fnmatchcase(name, pattern) for pattern in replaced)]
    return [
        *(CommitOperationDelete(name) for name in stale if name not in added),
        *(CommitOperationAdd(name, path) for name, path in added.items()),
    ]


def _download_card(repo_id: str, commit: str, token: str | bool | None) -> Path | None:
    try:
        return Path(hf_hub_download(repo_id, CARD_NAME, revision=commit, token=token))
    except EntryNotFoundError:
        return None
