"""Pictures of folders, of which damaged ones are named and passed over."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stylekernel_hf.images.bounds import Bounds
from stylekernel_hf.images.folder import scan_folder
from stylekernel_hf.images.loading import read_size
from stylekernel_hf.images.tensors import load_rgb

logger = logging.getLogger(__name__)

# Short side in px, beyond which crops of a picture of more than 32 megapixels need no detail.
_ENOUGH = 4096


class Pictures:
    """Picture files, decoded when asked for, and kept in memory as far as `cache_bytes` allows.

    Files whose header is damaged are left out, with a warning that names them: `paths` holds the
    others and `areas` their pixels. ValueError if none is left, OSError for what cannot be read.
    """

    def __init__(self, paths: Sequence[Path], *, cache_bytes: int) -> None:
        sizes = {path: _area(path) for path in paths}
        self.paths = [path for path in paths if sizes[path]]
        self.areas = [sizes[path] for path in self.paths]
        self.free_bytes = cache_bytes
        self.cache: dict[int, NDArray[np.uint8]] = {}
        self.damaged: set[int] = set()
        self._check_any_left()

    def load(self, index: int) -> NDArray[np.uint8] | None:
        """Return picture `index`, h x w x 3, or None for a damaged one, which is logged once.

        ValueError when all are damaged, OSError for a folder that is lost.
        """
        if index in self.cache:
            return self.cache[index]
        if index in self.damaged:
            return None
        picture = read_picture(self.paths[index])
        if picture is None:
            self.damaged.add(index)
            self._check_any_left()
            return None
        pixels = np.asarray(picture)
        if pixels.nbytes <= self.free_bytes:
            self.free_bytes -= pixels.nbytes
            self.cache[index] = pixels
        return pixels

    def _check_any_left(self) -> None:
        if len(self.damaged) == len(self.paths):
            raise ValueError("none of the pictures can be read; the log names each")


def read_picture(path: Path) -> Image.Image | None:
    """Return a picture as RGB, or None, with a warning in the log, if its file is damaged or gone.

    OSError if the disk fails, or if the whole folder is gone: then it is no fault of one file.
    """
    try:
        return load_rgb(path, bounds=Bounds(needed_side=_ENOUGH))
    except FileNotFoundError as error:
        _check_folder(path.parent)
        return _skip(path, error)
    except ValueError as error:
        return _skip(path, error)


def _check_folder(folder: Path) -> None:
    try:
        images = scan_folder(folder).images
    except OSError:
        images = []
    if not images:
        raise FileNotFoundError(f"the folder '{folder}' is gone, or its pictures are")


def _area(path: Path) -> int:
    """Return the pixels of a picture, by its header; 0 for a damaged one."""
    try:
        return math.prod(read_size(path, "image"))
    except ValueError as error:
        _skip(path, error)
        return 0


def _skip(path: Path, error: Exception) -> None:
    """Name a picture that is damaged; OSError where it is the disk that failed."""
    cause = error.__cause__
    if isinstance(cause, OSError) and cause.errno is not None:
        raise OSError(cause.errno, f"cannot read '{path}': {cause.strerror}") from error
    logger.warning("skipping '%s', which cannot be read: %s", path, error.__cause__ or error)
