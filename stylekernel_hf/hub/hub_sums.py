"""Whether files of the Hub arrived as they are there, which huggingface_hub checks by size only."""

from __future__ import annotations

import hashlib
from pathlib import Path

from huggingface_hub.utils.sha import git_hash, sha_fileobj

_SHA1_DIGITS, _SHA256_DIGITS = 40, 64


def is_of_sum(path: Path, expected: str) -> bool:
    """Say whether a file has the sum that the Hub names it by: of large files its SHA-256.

    Others have git's. What has another form, as that of a mirror may, says nothing: then True.
    """
    if len(expected) == _SHA256_DIGITS:
        with path.open("rb") as file:
            return sha_fileobj(file).hex() == expected
    if len(expected) == _SHA1_DIGITS:
        data = path.read_bytes()
        return expected in (git_hash(data), hashlib.sha1(data).hexdigest())
    return True
