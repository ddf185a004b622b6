"""Small pictures that the page shows, in one file each that a browser keeps."""

from __future__ import annotations

import functools
import io

from gradio.route_utils import API_PREFIX
from PIL import Image

from demo.catalog import EXAMPLES, PAINTINGS, painting_path, photo_path
from demo.delivery import address_of_file

_SIDE = 128
_CARD = (1200, 630)
"""Width and height in px of the picture that other sites show for a link to the page."""


@functools.cache
def paintings_strip() -> dict[str, bytes]:
    """Return all paintings side by side, in their order, as WebP and as AVIF by their addresses.

    AVIF is half as large, and the other is for browsers that do not read it.
    """
    strip = Image.new("RGB", (_SIDE * len(PAINTINGS), _SIDE))
    for index, title in enumerate(PAINTINGS):
        with Image.open(painting_path(title)) as picture:
            small = picture.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        strip.paste(small, (index * _SIDE, 0))
    return dict(
        [
            _file("paintings.webp", strip, format="WEBP", quality=60, method=6),
            _file("paintings.avif", strip, format="AVIF", quality=40, speed=8),
        ]
    )


@functools.cache
def card() -> tuple[str, bytes]:
    """Return the address and the bytes of the picture for other sites: a part of the gallery."""
    with Image.open(EXAMPLES / "gallery.jpg") as sheet:
        width, height = _CARD
        part = sheet.convert("RGB").crop((0, 0, width, height))
    return _file("card.jpg", part, format="JPEG", quality=75)


@functools.cache
def light_photo(title: str) -> dict[str, bytes]:
    """Return an example photo as WebP, by the address of the JPEG that Gradio serves."""
    path, buffer = photo_path(title), io.BytesIO()
    with Image.open(path) as picture:
        picture.save(buffer, format="WEBP", quality=85, method=6)
    return {f"{API_PREFIX}/file=/examples/photos/{path.name}": buffer.getvalue()}


def _file(name: str, picture: Image.Image, **options: object) -> tuple[str, bytes]:
    buffer = io.BytesIO()
    picture.save(buffer, **options)  # type: ignore[arg-type]
    return address_of_file(name, buffer.getvalue()), buffer.getvalue()
