"""Image files read to PIL: upright, 8-bit sRGB pictures, and errors that say what was wrong."""

from __future__ import annotations

import contextlib
import io
import os
import struct
from collections.abc import Generator
from pathlib import Path
from typing import TypeAlias

from PIL import Image, ImageFile

from stylekernel_hf.given_values import as_float
from stylekernel_hf.image_normalization import normalized, silent_pillow
from stylekernel_hf.image_writing import save_image as save_image

ImageSource: TypeAlias = str | os.PathLike[str] | Image.Image | bytes
_Stream: TypeAlias = io.BytesIO | io.BufferedReader

MAX_PIXELS = 200_000_000
"""The largest picture that is decoded: room for a phone's 200-megapixel photo, 600 MB as RGB."""

IMAGE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
)
"""What counts as an image file in a folder, in lower case."""


def load_image(
    source: ImageSource, *, name: str = "image", max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Read a picture as it is meant to be seen: upright, 8 bits a channel, sRGB.

    The result is a fresh "RGB" image, or "RGBA" where the source has transparency; it holds no
    metadata and no open file. A PIL image given is left as it is. Of several frames the first is
    read (of a PIL image, the current one). Grey of mode I counts as 16-bit, of mode F as 0 to 1.

    `name` is the caller's argument, with which every error begins: FileNotFoundError,
    IsADirectoryError and other OSErrors for the path, TypeError for another type of source, and
    ValueError for what is no image, is damaged, or has more than `max_pixels` (known from the
    header, before anything is decoded).
    """
    as_float(max_pixels, "max_pixels")
    if isinstance(source, Image.Image):
        _decode(source, name, "the given PIL image", max_pixels)
        return normalized(source, name)
    if isinstance(source, bytes):
        stream, label = io.BytesIO(source), "the data given"
    else:
        stream, label = _open_file(source, name)
    with stream:
        image = _identify(stream, name, label)
        _decode(image, name, label, max_pixels)
        return normalized(image, name)


def count_pixels(path: str | os.PathLike[str], *, name: str = "image") -> int:
    """Return how many pixels an image file has by its header; errors are those of `load_image`."""
    stream, label = _open_file(path, name)
    with stream:
        width, height = _identify(stream, name, label).size
    return width * height


def list_images(folder: str | os.PathLike[str], *, name: str = "folder") -> list[Path]:
    """The image files of a folder (by `IMAGE_SUFFIXES`), sorted by name, without hidden ones.

    Raises FileNotFoundError, NotADirectoryError, or ValueError for a folder without images.
    """
    root = Path(folder)
    if not root.exists():
        raise FileNotFoundError(f"{name}: no such folder: {str(root)!r}")
    if not root.is_dir():
        raise NotADirectoryError(f"{name} must be a folder, but {str(root)!r} is a file")
    files = [file for file in root.iterdir() if file.is_file() and not file.name.startswith(".")]
    images = [file for file in files if file.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise ValueError(
            f"{name} must hold images ({', '.join(sorted(IMAGE_SUFFIXES))}), "
            f"but {str(root)!r} has none among its {len(files)} files"
        )
    return sorted(images, key=lambda file: file.name)


def _open_file(source: object, name: str) -> tuple[_Stream, str]:
    path = os.fspath(source) if isinstance(source, os.PathLike) else source
    if not isinstance(path, str):
        raise TypeError(
            f"{name} must be a path, bytes of an image file or a PIL image, "
            f"got {type(source).__name__}"
        )
    if os.path.isdir(path):
        raise IsADirectoryError(f"{name} must be an image file, but {path!r} is a folder")
    try:
        return open(path, "rb"), repr(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{name}: no such file: {path!r}") from error
    except OSError as error:
        raise type(error)(f"{name}: cannot open {path!r}: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{name} must be the path of a file, got {path!r}: {error}") from error


def _identify(stream: _Stream, name: str, label: str) -> ImageFile.ImageFile:
    """`PIL.Image.open` without its size check, which is one global limit for the whole process."""
    prefix = stream.read(16)
    if not prefix:
        raise ValueError(f"{name} must be an image file, but {label} is empty (0 bytes)")
    tried: set[str] = set()
    with _damage_named(name, label), silent_pillow():
        for import_plugins in (Image.preinit, Image.init):
            import_plugins()
            for image_format in [each for each in Image.ID if each not in tried]:
                tried.add(image_format)
                open_as, accepts = Image.OPEN[image_format]
                with contextlib.suppress(SyntaxError, IndexError, TypeError, struct.error):
                    verdict = accepts is None or accepts(prefix)
                    if verdict and not isinstance(verdict, str):  # A string says why not.
                        stream.seek(0)
                        return open_as(stream, "")
    raise ValueError(f"{name} must be an image file, but {label} is not one that Pillow can read")


def _decode(image: Image.Image, name: str, label: str, max_pixels: int) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise ValueError(f"{name} must not be empty, got {width}x{height} px")
    if width * height > max_pixels:
        raise ValueError(
            f"{name} must have at most {max_pixels} pixels, got {width}x{height} ({label})"
        )
    if image.format == "EPS":
        # Pillow would run Ghostscript, a whole programming language, on a stranger's file.
        raise ValueError(f"{name} must be an image of pixels, but {label} is PostScript")
    # The formats most used give no warnings while decoding, and need not wait for one another.
    calm = image.format in {"JPEG", "PNG", "WEBP", None}
    with _damage_named(name, label), contextlib.nullcontext() if calm else silent_pillow():
        image.load()


@contextlib.contextmanager
def _damage_named(name: str, label: str) -> Generator[None]:
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:  # On damaged files Pillow's plugins raise whatever comes.
        raise ValueError(
            f"{name} must be an image file, but {label} is truncated or damaged: {error}"
        ) from error
