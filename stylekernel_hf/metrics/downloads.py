"""One-line errors for weights that other packages download on first use."""

from __future__ import annotations

import pickle
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.error import URLError


@contextmanager
def named_download(purpose: str, url: str, *, otherwise: str = "") -> Generator[None]:
    """Turn a failed download, or a damaged downloaded file, into an OSError that says what to do.

    The error names the file, the folder to put it into by hand, and the alternative in
    `otherwise`. The packages draw random weights before they load the real ones; torch's random
    state is restored afterwards.
    """
    import torch
    from torch.hub import get_dir

    name = PurePosixPath(url).name
    place = Path(get_dir(), "checkpoints", name)
    was_there = place.exists()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    except (OSError, HTTPException, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        failed = "cannot be read" if was_there else "could not be downloaded"
        raise OSError(
            f"{purpose} needs the weights {name}, which {failed} ({_reason(error)}): put the file "
            f"from {url} into the folder '{place.parent}'{otherwise}"
        ) from error


def _reason(error: Exception) -> object:
    # URLError puts its reason in brackets, and torch adds paragraphs of advice.
    reason = error.reason if type(error) is URLError else error
    return next(iter(str(reason).strip().splitlines()), type(error).__name__)
