"""Pushing a folder to the Hub in one commit on top of the commit that was read."""

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
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from huggingface_hub.hf_api import RepoFile

from stylekernel_hf.files.atomic_write import raise_for_target
from stylekernel_hf.hub.card import CARD_NAME
from stylekernel_hf.hub.hub_errors import hub_errors
from stylekernel_hf.hub.hub_repository import has_digest
from stylekernel_hf.hub.sources import is_hub_id

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
    """Create the repository if need be, and push the files that `write` puts into a folder.

    `write` gets the folder and the path of the Hub's card, or None if there is no card. Files on
    the Hub that match one of the patterns `replaced` and are not pushed are deleted. Returns the
    URL of the commit.
    """
    if not is_hub_id(repo_id):
        raise ValueError(f"repo_id must be 'owner/name', got {repo_id!r}")
    api = HfApi(token=token)
    with hub_errors(repo_id, "repo_id", revision):
        api.create_repo(repo_id, private=private, exist_ok=True)
        # Refs of pull requests cannot be created as branches.
        if revision is not None and not revision.startswith("refs/"):
            api.create_branch(repo_id, branch=revision, exist_ok=True)
        parent = api.model_info(repo_id, revision=revision).sha
        assert parent is not None, "the Hub gives every revision a commit"
        tree = api.list_repo_tree(repo_id, recursive=True, revision=parent)
        there = {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}
    with tempfile.TemporaryDirectory() as temporary:
        folder, downloads = Path(temporary, "new"), Path(temporary, "old")
        folder.mkdir()
        with hub_errors(repo_id, "repo_id", revision):
            card = _download_card(repo_id, parent, there.get(CARD_NAME), downloads, token)
        try:
            write(folder, card)
        except OSError as error:
            raise_for_target(error, folder, folder)
        with hub_errors(repo_id, "repo_id", revision):
            # create_commit makes one commit, while upload_folder may make several.
            commit = api.create_commit(
                repo_id,
                _operations(folder, list(there), replaced),
                commit_message=commit_message,
                revision=revision,
                # The Hub refuses the commit if somebody else pushed meanwhile.
                parent_commit=parent,
            )
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


def _download_card(
    repo_id: str, commit: str, listed: RepoFile | None, folder: Path, token: str | bool | None
) -> Path | None:
    """Download the card of a commit, or return None if the commit has no card.

    A card that cannot be read at the moment raises an error: the user's text would be overwritten
    otherwise.
    """
    try:
        card = Path(
            hf_hub_download(repo_id, CARD_NAME, revision=commit, token=token, local_dir=folder)
        )
    except LocalEntryNotFoundError:
        raise  # It is an EntryNotFoundError too, for a Hub that did not answer.
    except EntryNotFoundError:
        if listed is not None:
            raise
        return None
    expected = listed and (listed.lfs.sha256 if listed.lfs else listed.blob_id)
    if expected is None or not has_digest(card, expected):
        raise ConnectionError(f"{CARD_NAME} arrived damaged")
    return card
