"""Stylized frames, gathered into segments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jaxtyping import UInt8
from torch import Tensor

from stylekernel_hf.video.encoding import Encoding, SegmentWriter
from stylekernel_hf.video.pyav import system_errors
from stylekernel_hf.video.segments import Segment, SegmentFolder

# A part is a few seconds of work: what is lost when the work is ended.
_PIXELS_OF_A_PART = 120 * 1280 * 720
_FEWEST_FRAMES, _MOST_FRAMES = 12, 240


@dataclass(frozen=True)
class StylizedFrame:
    """A stylized frame, shown anew at each of its `times`, the last of them for `duration`.

    `state` gives, as what JSON can hold, what the stylizer would need to go on after it.
    """

    picture: UInt8[Tensor, "1 3 h w"]
    times: tuple[int, ...]
    duration: int
    state: Callable[[], Any]


class Recorder:
    """Compresses stylized frames into the segments of a folder; `close` must be called at the end.

    A segment holds `length` stylized frames, the last one fewer.
    """

    def __init__(
        self, folder: SegmentFolder, encoding: Encoding, length: int | None = None
    ) -> None:
        self._folder, self._encoding = folder, encoding
        self._length = length or _part_length(encoding.width * encoding.height)
        self._writer: SegmentWriter | None = None
        self._last: StylizedFrame | None = None
        self._stylized = 0

    @system_errors()
    def add(self, frame: StylizedFrame) -> None:
        """Compress the next frame."""
        if self._writer is None:
            self._writer = SegmentWriter(self._folder.next_path(), self._encoding)
            self._stylized = 0
        self._writer.write(frame.picture, frame.times)
        self._last = frame
        self._stylized += 1
        if self._stylized >= self._length:
            self._finish()

    @system_errors()
    def close(self, *, whole: bool) -> None:
        """Finish the last segment if the video is `whole`; otherwise it is given up."""
        if self._writer is not None and whole:
            self._finish()
        elif self._writer is not None:
            writer, self._writer = self._writer, None
            writer.give_up()

    def _finish(self) -> None:
        assert self._writer is not None and self._last is not None
        writer, last, self._writer = self._writer, self._last, None
        writer.finish()
        end = last.times[-1] + last.duration
        part = Segment(writer.path, self._stylized, writer.first, end, last.state())
        self._folder.finish(part)


def _part_length(pixels: int) -> int:
    return max(_FEWEST_FRAMES, min(_MOST_FRAMES, _PIXELS_OF_A_PART // pixels))
