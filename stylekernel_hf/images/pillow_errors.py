"""Errors and warnings of Pillow: errors name the argument and the file, warnings are silenced."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Generator

from PIL import Image

_warnings_lock = threading.Lock()


class UnreadableImageError(ValueError):
    """An image is refused; the message begins with the argument's name and gives the reason."""


@contextlib.contextmanager
def damage_named(name: str, label: str) -> Generator[None]:
    """Turn any error of Pillow's decoders and converters into one that names argument and file."""
    try:
        yield
    except UnreadableImageError:
        raise
    except MemoryError as error:
        raise MemoryError(f"{name}: there is not enough memory to read {label}") from error
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(f"{name} must be smaller than {label}: {error}") from error
    except Exception as error:  # Pillow's plugins raise errors of any type on damaged files.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableImageError(
            f"{name} must be an image file, but {label} is truncated or damaged: {reason}"
        ) from error


@contextlib.contextmanager
def silent_pillow() -> Generator[None]:
    """Silence Pillow's warnings of large images, which are checked here, and of odd metadata.

    Warning filters belong to the process, so only one thread may change them at a time.
    """
    with _warnings_lock, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield
