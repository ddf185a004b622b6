"""Fetches a checkpoint of the Hub: `python -m demo.hub_download NAME FOLDER BYTES SECONDS`.

In a process of its own, which imports nothing else of the demo. It writes one line of JSON: an
"outcome", and the "bytes" that the Hub says the checkpoint has.
"""

from __future__ import annotations

import json
import re
import signal
import sys
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile

_FILES = 64
"""Shards that a checkpoint may have."""


def download(name: str, folder: Path, most: int) -> dict[str, object]:
    """Put the files that are needed to load the checkpoint into the folder, at most `most` bytes.

    Without a token: with the server's own, visitors would reach its private models.
    """
    api = HfApi(token=False)
    try:
        commit = api.model_info(name).sha
        tree = api.list_repo_tree(name, recursive=True, revision=commit)
        files = [file for file in tree if isinstance(file, RepoFile)]
    except RepositoryNotFoundError:
        return {"outcome": "missing"}
    needed = _needed({file.path for file in files})
    size = sum(file.size for file in files if file.path in needed)
    if size > most:
        return {"outcome": "large", "bytes": size}
    for path in sorted(needed):
        hf_hub_download(name, path, revision=commit, token=False, local_dir=folder)
    return {"outcome": "fetched", "bytes": size}


def _needed(paths: set[str]) -> set[str]:
    """Return which files `StyleKernelModel.from_pretrained` would look at."""
    nested = "model_index.json" in paths or "config.json" not in paths
    place = "model/" if nested else ""
    weights = f"{place}diffusion_pytorch_model.safetensors"
    needed = {"model_index.json", f"{place}config.json", weights} & paths
    if weights not in paths:
        shards = {path for path in paths if re.fullmatch(rf"{place}[^/]+\.safetensors", path)}
        needed |= {f"{weights}.index.json"} & paths | set(sorted(shards)[:_FILES])
    return needed


def main(name: str, folder: str, most: str, seconds: str) -> None:
    """Fetch, and say how that went."""
    if hasattr(signal, "alarm"):
        # Should the server have ended meanwhile.
        signal.alarm(int(seconds))
    sys.stdout.write(json.dumps(download(name, Path(folder), int(most))) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
