"""Every painting of the demo on one photo, in small."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

from PIL import Image

from demo.catalog import PAINTINGS
from demo.order import Order
from demo.pictures import own_size, read_picture
from demo.precedence import Pauses, precedence
from demo.studio import Studio

SIDE = 256
"""Longer side in px of each picture."""


class TryAllHandlers:
    """Stylizing one photo in the style of every painting."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def try_all(self, photo: str | None, model: str | None) -> Iterator[Any]:
        """Give the photo in the style of one painting after the other.

        Args:
            photo: The photo, an image file; without one nothing changes.
            model: As in an order.

        Yields:
            {"pictures": {title of a painting: address of a picture}}, with one more each time.
        """
        if photo is None:
            return
        pictures: dict[str, str] = {}
        yield {"pictures": pictures}
        # The pauses of a large work: previews go first.
        pauses = Pauses(precedence)
        with self._studio.watch(pauses=pauses):
            small = read_picture(photo, "Photo", self._studio.limits, long_side=SIDE)
            size = own_size(small, self._studio.limits)
        for title in PAINTINGS:
            # Each is work of its own: between two of them the queue may end this.
            with self._studio.watch(pauses=pauses):
                order = Order(paintings=[title], model=model)
                palette = self._studio.mix(order)
                result, _ = self._studio.stylize(small, palette, order, own_size=size)
            pictures = pictures | {title: _address(result)}
            yield {"pictures": pictures}


def _address(picture: Image.Image) -> str:
    """Return a small picture as an address that needs no request."""
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "WEBP", quality=70)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
