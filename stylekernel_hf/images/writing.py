"""PIL images to files in the format that a suffix names, whole or not at all."""

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

    The file appears whole or not at all. Transparency is kept where the format has it, and is laid
    over white elsewhere. `quality` (1 to 100) matters to JPEG, WebP and AVIF.

    JPEG, PNG, WebP, TIFF and AVIF get the EXIF, XMP and IPTC data that the image holds in its
    `info`, as results of the pipeline do, or other `metadata`; put right, see
    `PictureMetadata.for_result`. With False none are written.

    Raises FileNotFoundError without the parent folder, FileExistsError for an existing file with
    `overwrite=False`, other OSErrors where no file can be written, and ValueError for a suffix, or
    for an image that the format does not take, such as one that is too wide for it.
    """
    if not isinstance(image, Image.Image):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"image must be a PIL image, got {type(image).__name__}")
    target = Path(path)
    image_format = format_to_write(target, name="path")
    check_image_size(target, image.size, name="image")
    quality = as_integer(quality, "quality", low=1, high=100)
    check_output_file(target, name="path")
    if not overwrite and target.exists():
        raise FileExistsError(f"path: {str(target)!r} exists already (overwrite=False)")

    picture = normalized(image, "image")
    if picture.mode == "RGBA" and image_format not in ALPHA_FORMATS:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture).convert("RGB")
    if isinstance(metadata, bool):
        metadata = metadata_of(image) if metadata else PictureMetadata()
    kept = metadata.for_result(picture.size)
    data = _encode(picture, image_format, quality, target, kept)
    atomic_write(target, data)


def _encode(
    picture: Image.Image, image_format: str, quality: int, path: Path, metadata: PictureMetadata
) -> bytes:
    srgb = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # The profile's date of creation is now; the same picture should give the same file.
    srgb[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    buffer = io.BytesIO()
    try:
        picture.save(
            buffer,
            image_format,
            quality=quality,
            # Full colour resolution in JPEG: halved, it frays the edges of strokes.
            subsampling="4:4:4",
            # PNG looks for runs only: in filtered photos and paintings there is hardly anything
            # else to be found, which takes zlib five times as long.
            compress_type=zlib.Z_RLE,
            icc_profile=bytes(srgb),
            **metadata.save_options(image_format),
        )
        metadata.add_to(buffer, image_format)
    except MemoryError:
        raise
    except Exception as error:  # Like the readers, Pillow's writers raise whatever comes.
        size = f"{picture.width}x{picture.height}"
        raise ValueError(
            f"image must be one that can be written as {image_format} ({str(path)!r}), "
            f"got {size} {picture.mode}: {error}"
        ) from error
    return buffer.getvalue()
