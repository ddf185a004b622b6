"""What a camera sees, stylized while it runs."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import Any

from PIL import Image

from demo.handlers import LOOK, MIXTURE
from demo.messages import VisitorError
from demo.order import Order, takes_order
from demo.pictures import read_picture
from demo.streams import Streams
from demo.studio import Studio
from demo.watched import check_request
from stylekernel_hf import LiveStylizer

_SILENCE = 10
"""Seconds without a picture after which a camera is taken to be off."""
_TICK = 0.1


class CameraHandlers:
    """Stylize the pictures of a camera, which come beside the request."""

    def __init__(self, studio: Studio, streams: Streams) -> None:
        self._studio, self._streams = studio, streams

    @takes_order(*MIXTURE, *LOOK, "model")
    def run(self, order: Order) -> Iterator[Any]:
        """Stylize pictures that are sent to the name that this gives, until they stop coming.

        Args:
            order: The controls, each by its own name.

        Yields:
            {"stream": the name}.
        """
        with self._streams.open() as stream:
            yield {"stream": stream.name}
            limits = self._studio.limits
            # The pauses of a large work: previews of other visitors go first.
            with self._studio.watch(large=True, seconds=2 * limits.camera_seconds):
                palette = self._studio.mix(order)
                stylizer = LiveStylizer(
                    self._studio.models.get(order.model),
                    palette.styles,
                    style_weights=palette.weights,
                    strength=order.checked("strength"),
                    color=order.checked("color"),
                    stroke_scale=order.checked("stroke_scale"),
                )
                begun = last = time.monotonic()
                while last - begun < limits.camera_seconds:
                    check_request()
                    shot = stream.take(_TICK)
                    if shot is None:
                        if time.monotonic() - last > _SILENCE:
                            return
                        continue
                    last = time.monotonic()
                    try:
                        shot.end(self._stylized(shot.data, stylizer, last - begun))
                    finally:
                        shot.end(None)
        raise VisitorError(
            f"The camera has run for {limits.camera_seconds / 60:.0f} minutes, as long as it may "
            "here. Start it again to go on."
        )

    def _stylized(self, data: bytes, stylizer: LiveStylizer, moment: float) -> bytes | None:
        limits = self._studio.limits
        try:
            picture = read_picture(data, "Picture", limits, long_side=limits.camera_side)
        except VisitorError:
            return None
        return _as_jpeg(stylizer.stylize(picture, moment))


def _as_jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
