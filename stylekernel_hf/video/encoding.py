"""Stylized frames, compressed into a file of their own: a segment of the video."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from jaxtyping import UInt8
from torch import Tensor

from stylekernel_hf.video.colors import BT709, LIMITED_RANGE
from stylekernel_hf.video.conversion import YuvWriter
from stylekernel_hf.video.formats import LOSSLESS, Codec
from stylekernel_hf.video.pyav import av


@dataclass(frozen=True)
class Encoding:
    """How stylized frames are compressed; times are in units of `time_base`, 1 / n of a second."""

    codec: Codec
    quality: int
    width: int
    height: int
    aspect: Fraction
    rate: Fraction
    time_base: Fraction

    @property
    def pixel_format(self) -> str:
        """Halved colour resolution, which every player shows, where the codec has it for the size.

        Sides that are odd would be cut.
        """
        if self.codec == LOSSLESS:
            return "rgb24"
        is_odd = self.width % 2 or self.height % 2
        return "yuv444p" if is_odd and self.codec.even_sides else "yuv420p"


class SegmentWriter:
    """Writes frames to a file, in which times begin at 0; ends with `finish` or `give_up`."""

    def __init__(self, path: Path, encoding: Encoding) -> None:
        self.path = path
        self.first = 0
        """The time of the first frame."""
        self._time_base = encoding.time_base
        self._convert = YuvWriter(encoding.width, encoding.height, encoding.pixel_format)
        # Nothing is rounded: the file counts in the same units.
        scale = str(encoding.time_base.denominator)
        self._container = av.open(
            f"file:{path}", "w", format="mp4", container_options={"video_track_timescale": scale}
        )
        self._stream: Any = self._container.add_stream(
            encoding.codec.encoder,
            rate=encoding.rate,
            options=encoding.codec.options_for(encoding.quality),
        )
        self._stream.width, self._stream.height = encoding.width, encoding.height
        self._stream.pix_fmt = encoding.pixel_format
        context = self._stream.codec_context
        context.time_base = encoding.time_base
        context.sample_aspect_ratio = encoding.aspect
        if encoding.codec != LOSSLESS:
            context.colorspace = context.color_primaries = context.color_trc = BT709
            context.color_range = LIMITED_RANGE
        self._is_empty = True

    def write(self, picture: UInt8[Tensor, "1 3 h w"], times: tuple[int, ...]) -> None:
        """Add a frame, shown anew at each of the times, which go on from those before."""
        if self._is_empty:
            self.first, self._is_empty = times[0], False
        for time in times:
            # An encoder keeps what it was given until it is done with it.
            frame = self._convert.write(picture)
            frame.pts, frame.time_base = time - self.first, self._time_base
            self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write what the encoder still holds, and close the file."""
        try:
            self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()

    def give_up(self) -> None:
        """Close the file as it is."""
        self._container.close()
