"""Large image files written row by row with libvips."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from stylekernel_hf.files.atomic_write import atomic_file, raise_for_target
from stylekernel_hf.files.output_paths import check_output_file
from stylekernel_hf.images.formats import check_image_size, format_to_write
from stylekernel_hf.images.metadata.picture_metadata import PictureMetadata
from stylekernel_hf.large.stored_png import StoredPng
from stylekernel_hf.large.vips_library import import_vips, vips_message

# Saver and options of each format, as in `save_image`; JPEG keeps the full colour resolution.
_SAVERS: dict[str, tuple[str, dict[str, Any]]] = {
    ".jpeg": ("jpegsave", {"Q": 95, "subsample_mode": "off"}),
    ".jpg": ("jpegsave", {"Q": 95, "subsample_mode": "off"}),
    ".png": ("pngsave", {"filter": "all"}),
    ".tif": ("tiffsave", {"compression": "deflate", "predictor": "horizontal", "bigtiff": True}),
    ".tiff": ("tiffsave", {"compression": "deflate", "predictor": "horizontal", "bigtiff": True}),
    ".webp": ("webpsave", {"Q": 95}),
}


class Content(Protocol):
    """The image that was stylized."""

    width: int
    height: int

    def alpha(self) -> Any | None:
        """Return the alpha channel, if any, as a libvips image that can be read once."""
        ...


def writes_in_strips(path: Path) -> bool:
    """Return whether a file with this suffix can be written row by row."""
    return path.suffix.lower() in _SAVERS


def check_strip_output(path: Path) -> None:
    """Raise ValueError for a format that cannot be written in strips, and OSError for the path."""
    if not writes_in_strips(path):
        raise ValueError(
            f"output of a large image must end in {', '.join(sorted(_SAVERS))}, got '{path}'"
        )
    check_output_file(path, name="output")


def check_room(path: Path, width: int, height: int) -> None:
    """Raise ValueError for an image that the format cannot hold, and OSError for a full disk."""
    check_image_size(path, (width, height), name="content")
    needed, free = 3 * width * height, shutil.disk_usage(path.parent).free
    if free < needed:
        raise OSError(
            f"output: an image of {width}x{height} px needs {needed / 1e9:.1f} GB beside it while "
            f"it is stylized, and '{path.parent}' has {free / 1e9:.1f} GB free"
        )


@contextmanager
def raw_file(beside: Path) -> Generator[BinaryIO]:
    """Open a temporary file for rows in the folder of `beside`, which errors name.

    The file has no name, so that the system removes it however the process ends.
    """
    try:
        with tempfile.TemporaryFile(dir=beside.parent) as file:
            yield file
    except OSError as error:
        raise_for_target(error, beside, None)


def encode_raw(
    raw: BinaryIO | str | os.PathLike[str],
    content: Content,
    output: str | os.PathLike[str],
    metadata: PictureMetadata | None = None,
) -> None:
    """Write rows of RGB bytes, of the content's size and with its alpha, as an image file.

    `raw` is the file of rows, or its path. The image file appears whole or not at all, with the
    sRGB profile and the metadata, corrected for the result. In JPEG, which has no alpha, the image
    is composited over white.

    Raises OSError where rows are missing or cannot be read, or the file cannot be written. Any
    other exception while rows are read, KeyboardInterrupt included, is raised here.
    """
    path = Path(output)
    kept = (metadata or PictureMetadata()).for_result((content.width, content.height))
    with _opened(raw) as file, atomic_file(path) as temporary:
        _check_length(file, content)
        stream = StoredPng(file, content.width, content.height)
        error: BaseException | None = None
        try:
            _encode_aside(stream, content, path.suffix.lower(), temporary, kept)
        except import_vips().Error as failed:
            error = failed
        if stream.error is not None:
            raise stream.error
        if error is not None or not stream.ended:
            reason = vips_message(error) if error else "libvips did not read all rows"
            size = f"{content.width}x{content.height}"
            raise OSError(f"output: cannot write '{path}' of {size} px: {reason}") from error
        with temporary.open("rb+") as file:
            kept.add_to(file, format_to_write(path, name="output"))


def _opened(raw: BinaryIO | str | os.PathLike[str]) -> AbstractContextManager[BinaryIO]:
    return Path(raw).open("rb") if isinstance(raw, str | os.PathLike) else nullcontext(raw)


def _check_length(file: BinaryIO, content: Content) -> None:
    needed, there = 3 * content.width * content.height, file.seek(0, os.SEEK_END)
    if there != needed:
        raise OSError(
            f"raw must hold {needed} bytes for {content.width}x{content.height} px, got {there}"
        )
    file.seek(0)


def _encode_aside(stream: StoredPng, *args: Any) -> None:
    """Encode in a thread, so that Ctrl-C, which libvips does not notice, stops the stream."""
    with ThreadPoolExecutor(max_workers=1) as threads:
        encoding = threads.submit(_encode, stream, *args)
        try:
            encoding.result()
        except BaseException as error:
            if not encoding.done():
                stream.stop(error)
            raise


def _encode(
    stream: StoredPng, content: Content, suffix: str, path: Path, metadata: PictureMetadata
) -> None:
    saver, options = _SAVERS[suffix]
    vips = import_vips()
    source = vips.SourceCustom()
    source.on_read(stream.read)
    image = vips.Image.new_from_source(source, "", access="sequential", fail_on="warning")
    alpha = content.alpha()
    if alpha is not None:
        image = image.bandjoin(alpha)
        if saver == "jpegsave":
            image = image.flatten(background=[255, 255, 255])
    if resolution := metadata.resolution():
        image = image.copy(xres=resolution[0], yres=resolution[1])
    getattr(image, saver)(str(path), profile="srgb", keep="icc", **options)
