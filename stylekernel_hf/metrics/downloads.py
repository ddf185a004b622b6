"""Weights that other packages download on first use, and one-line errors where they cannot."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import PurePosixPath


@contextmanager
def named_download(purpose: str, url: str) -> Generator[None]:
    """Turn a failed download into an OSError that names the file and where to put it by hand.

    The packages draw random weights before they load those: the numbers drawn after it are as they
    would have been without.
    """
    import torch
    from torch.hub import get_dir

    try:
        with torch.random.fork_rng(devices=[]):
            yield
    except OSError as error:
        name = PurePosixPath(url).name
        raise OSError(
            f"{purpose} needs the weights {name}, which could not be downloaded ({error}): put "
            f"the file from {url} into the folder '{get_dir()}/checkpoints'"
        ) from error
