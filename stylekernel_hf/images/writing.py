"""PIL images written to files in the format of the suffix, whole or not at all."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

from PIL import Image, ImageCms

from stylekernel_hf.errors.given_values import as_integer
from stylekernel_hf.files.atomic_write import atomic_write
from stylekernel_hf.files.output_paths import check_output_file
from stylekernel_hf.images.formats import ALPHA_FORMATS, check_image_size, format_to_write
from stylekernel_hf.images.metadata.picture_metadata import PictureMetadata, metadata_of
from stylekernel_hf.images.normalization import normalized


def save_image(
    image: Image.Image,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = True,
    quality: int = 95,
    metadata: PictureMetadata | bool = True,
) -> None:
    """Write an image in the format of the path's suffix, with the sRGB profile embedded.

    The file appears whole or not at all. Transparency is kept if the format has it; otherwise the
    image is composited over white.

    Args:
        image: The image, of any mode.
        path: Where to write, such as "out.png"; its folder must exist.
        overwrite: Whether an existing file may be replaced.
        quality: 1 to 100, of JPEG, WebP and AVIF.
        metadata: True writes the EXIF, XMP and IPTC data in the image's `info`, as results of the
            pipeline hold them, to JPEG, PNG, WebP, TIFF and AVIF; False writes none. Other
            metadata may be given. They are corrected, see `PictureMetadata.for_result`.

    Raises:
        FileNotFoundError: The folder does not exist.
        FileExistsError: The file exists, and `overwrite` is false.
        OSError: The file cannot be written.
        ValueError: The suffix names no format that holds colours, the format does not hold an
            image of this size, or `quality` is out of range.
        TypeError: `image` is not a PIL image.

    Example:
        >>> from stylekernel_hf import load_image, save_image
        >>> save_image(load_image("photo.jpg"), "copy.png")
    """
    if not isinstance(image, Image.Image):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"image must be a PIL image, got {type(image).__name__}")
    target = Path(path)
    format_to_write(target, name="path")
    check_image_size(target, image.size, name="image")
    quality = as_integer(quality, "quality", low=1, high=100)
    check_output_file(target, name="path")
    if not overwrite and target.exists():
        raise FileExistsError(f"path: {str(target)!r} exists already (overwrite=False)")
    atomic_write(target, image_bytes(image, target, quality=quality, metadata=metadata))


def image_bytes(
    image: Image.Image,
    path: Path,
    *,
    quality: int = 95,
    metadata: PictureMetadata | bool = True,
) -> bytes:
    """Return what `save_image` writes to a file of this name; ValueError if nothing can be."""
    image_format = format_to_write(path, name="path")
    check_image_size(path, image.size, name="image")
    picture = normalized(image, "image")
    if picture.mode == "RGBA" and image_format not in ALPHA_FORMATS:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture).convert("RGB")
    if isinstance(metadata, bool):
        metadata = metadata_of(image) if metadata else PictureMetadata()
    kept = metadata.for_result(picture.size)
    return _encode(picture, image_format, quality, path, kept)


def _encode(
    picture: Image.Image, image_format: str, quality: int, path: Path, metadata: PictureMetadata
) -> bytes:
    srgb = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # The profile holds the current date; without it, the same image gives the same file.
    srgb[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    buffer = io.BytesIO()
    try:
        picture.save(
            buffer,
            image_format,
            quality=quality,
            # Full colour resolution in JPEG: at half of it, the edges of strokes fray.
            subsampling="4:4:4",
            # In PNG, zlib searches for runs only: it is five times as fast, and the files of
            # photos and paintings are hardly larger.
            compress_type=zlib.Z_RLE,
            icc_profile=bytes(srgb),
            **metadata.save_options(image_format),
        )
        metadata.add_to(buffer, image_format)
    except MemoryError:
        raise
    except Exception as error:  # Pillow's writers raise errors of any type.
        size = f"{picture.width}x{picture.height}"
        raise ValueError(
            f"image must be one that can be written as {image_format} ({str(path)!r}), "
            f"got {size} {picture.mode}: {error}"
        ) from error
    return buffer.getvalue()
