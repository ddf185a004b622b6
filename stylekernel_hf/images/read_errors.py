"""One boundary around the decoders: whatever goes wrong there is an error that names the file."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

from PIL import Image


class UnreadableImageError(ValueError):
    """A picture that is refused, with the reason; its message begins with the argument's name."""


@contextlib.contextmanager
def damage_named(name: str, label: str) -> Generator[None]:
    """Turn whatever Pillow's decoders and converters raise into an error that names the file."""
    try:
        yield
    except UnreadableImageError:
        raise
    except MemoryError as error:
        raise MemoryError(f"{name}: there is not enough memory to read {label}") from error
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(f"{name} must be smaller than {label}: {error}") from error
    except Exception as error:  # On damaged files Pillow's plugins raise whatever comes.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableImageError(
            f"{name} must be an image file, but {label} is truncated or damaged: {reason}"
        ) from error
