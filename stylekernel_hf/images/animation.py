"""The frames of animated GIF, WebP and PNG files, with the times for which they are shown."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

from PIL import Image

from stylekernel_hf.images.bounds import Bounds
from stylekernel_hf.images.loading import open_image, read_image
from stylekernel_hf.images.pillow_errors import damage_named, silent_pillow
from stylekernel_hf.images.source import open_source

_FORMATS = ("GIF", "PNG", "WEBP")
_MAGIC = (b"GIF8", b"\x89PNG", b"RIFF")
# Browsers show frames of no more than 10 ms for 100 ms, and so do these.
_LEAST_MS, _USUAL_MS = 10.0, 100.0


class Animation:
    """An open file; its frames are read in order, the first one at once."""

    def __init__(self, image: Any, name: str, label: str, bounds: Bounds) -> None:
        self._image, self._name, self._label, self._bounds = image, name, label, bounds
        # A picture for programs that show no animation comes before the first frame.
        self._first = int(bool(getattr(image, "default_image", False)))
        self.frame_count: int | None = None
        """The number of frames, if it can be told before they are read."""
        with suppress(ValueError), damage_named(name, label), silent_pillow():
            self.frame_count = int(getattr(image, "n_frames", 1)) - self._first

    def frame(self, number: int) -> tuple[Image.Image, float] | None:
        """Return a frame, as `load_image` reads pictures, and its duration in ms; None at the end.

        ValueError, which begins with the argument's name, where the file is damaged.
        """
        with damage_named(self._name, self._label), silent_pillow():
            try:
                self._image.seek(number + self._first)
            except EOFError:
                return None
            self._image.load()
            duration = float(self._image.info.get("duration", 0))
        picture = read_image(self._image, self._name, self._bounds)
        return picture, duration if duration > _LEAST_MS else _USUAL_MS


@contextmanager
def open_animation(
    path: str | os.PathLike[str], *, name: str, bounds: Bounds
) -> Generator[Animation]:
    """Open a GIF, WebP or PNG file, which may hold a single picture; errors as `load_image`'s."""
    stream, label = open_source(path, name)
    with stream:
        image = open_image(stream, name, label)
        bounds.check(image.size, name, label)
        yield Animation(image, name, label, bounds)


def has_frames(path: str | os.PathLike[str]) -> bool:
    """Say whether a file is of a kind that holds pictures in time: GIF, WebP or PNG."""
    return os.path.isfile(path) and _begins(path).startswith(_MAGIC)


def is_animated(path: str | os.PathLike[str]) -> bool:
    """Say whether a file holds several frames; what cannot be read holds none."""
    if not has_frames(path):
        return False
    try:
        with open(path, "rb") as stream:
            image: Any = open_image(stream, "image", repr(path))
            with silent_pillow():
                return image.format in _FORMATS and bool(getattr(image, "is_animated", False))
    except (OSError, ValueError):
        return False


def _begins(path: str | os.PathLike[str]) -> bytes:
    try:
        with open(path, "rb") as stream:
            data = stream.read(12)
    except OSError:
        return b""
    is_other_riff = data.startswith(b"RIFF") and not data.endswith(b"WEBP")
    return b"" if is_other_riff else data
