"""Visitors' pictures: read within the limits, scaled, and written where they are later deleted."""

from __future__ import annotations

import secrets
from pathlib import Path

from gradio.utils import get_upload_folder
from PIL import Image

from demo.decoder import size_within
from demo.decoders import SIZE_BEFORE, decoders
from demo.limits import Limits
from demo.messages import VisitorError
from demo.uploads import read_file
from demo.watched import check_request
from stylekernel_hf import read_metadata, save_image


def read_picture(
    source: str | bytes,
    what: str,
    limits: Limits,
    *,
    any_size: bool = False,
    long_side: int | None = None,
) -> Image.Image:
    """Read an upload; VisitorError, beginning with `what` and the file's name, if it is no picture.

    Size and number of pixels are checked before anything is decoded. A picture of more than
    `limits.pixels` is scaled down, which `scaled_note` tells; one with a longer side of more than
    `long_side` as well, which `own_size` tells. `any_size` is for masks, which may be as small as
    they like. The picture's `info` holds what its file tells of it, but not
    where it was taken.
    """
    if isinstance(source, bytes):
        name, data = what, source
    else:
        # As bytes: errors about a path would show the server's folders.
        name = f"{what} “{Path(source).name}”"
        data = read_file(source, name, limits.upload_bytes)
    try:
        picture = decoders.load(data, name, limits, check_request, long_side=long_side)
    except VisitorError:
        raise
    except ValueError as error:
        raise VisitorError(_plainly(name, str(error), limits)) from error
    if min(own_size(picture, limits)) < limits.min_side and not any_size:
        width, height = own_size(picture, limits)
        raise VisitorError(
            f"{name} is too small: {width}×{height} px, and at least {limits.min_side} px a side "
            "are needed."
        )
    # The place where a photo was taken stays private.
    kept = read_metadata(data).for_result(picture.size, location=False)
    picture.info.update(kept.info())
    return picture


def scaled_note(picture: Image.Image) -> str | None:
    """Return what to tell a visitor whose picture was scaled down while it was read."""
    if (before := picture.info.get(SIZE_BEFORE)) is None:
        return None
    width, height = before
    return (
        f"The photo has {width * height / 1e6:.0f} megapixels ({width}×{height} px), more than "
        f"can be stylized here. The result has {picture.width}×{picture.height} px."
    )


def own_size(picture: Image.Image, limits: Limits) -> tuple[int, int]:
    """Return width and height in px at which a picture is stylized in full size."""
    return size_within(picture.info.get(SIZE_BEFORE, picture.size), limits.pixels)


def within(picture: Image.Image, long_side: int | None) -> Image.Image:
    """Return the picture, reduced if its longer side is more than `long_side` px."""
    size = size_within(picture.size, picture.width * picture.height, long_side)
    if size == picture.size:
        return picture
    return picture.resize(size, Image.Resampling.LANCZOS)


def new_file(name: str) -> Path:
    """Return a path in a new folder of the framework's, which deletes what is returned from it.

    The folder's name is random: another visitor cannot guess it.
    """
    folder = Path(get_upload_folder()) / secrets.token_hex(16)
    folder.mkdir(parents=True)
    return folder / name


def save_preview(picture: Image.Image, name: str, *, lossless: bool = False) -> str:
    """Write a picture for the screen; PNG where it is transparent or `lossless`, else JPEG."""
    suffix = "png" if lossless or picture.mode == "RGBA" else "jpg"
    path = new_file(f"{name}.{suffix}")
    save_image(picture, path, quality=92, metadata=False)
    return str(path)


def _plainly(name: str, error: str, limits: Limits) -> str:
    if "at most" in error:
        return f"{name} is too large: at most {limits.most_pixels / 1e6:.0f} megapixels are taken."
    if "truncated or damaged" in error:
        return f"{name} is damaged or cut off, and cannot be read. Please save it anew."
    return f"{name} is not a picture that can be read. Please choose a JPEG, PNG or WebP file."
