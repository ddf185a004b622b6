"""The frames of a video file, one after the other, with their times."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from jaxtyping import Num
from torch import Tensor

from stylekernel_hf.errors.messages import first_line
from stylekernel_hf.video.clip import ClipFacts, open_clip, video_stream
from stylekernel_hf.video.conversion import RgbReader
from stylekernel_hf.video.pyav import EndOfFileError, FFmpegError
from stylekernel_hf.video.timing import Repeated, at_rate, between, in_order, once

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# A file of which so much is damaged is not read to its end.
_MOST_DAMAGE = 1000


@dataclass
class Damage:
    """What of a file could not be decoded."""

    packets: int = 0
    reason: str = ""

    def note(self, error: Exception) -> None:
        """Count a packet, and keep the first reason."""
        self.packets += 1
        self.reason = self.reason or first_line(error)


@dataclass
class FrameReader:
    """Decodes the frames of a clip, `size` (width, height) large, between two times in seconds.

    With `fps` they come at this rate, in units of 1 / its numerator.
    """

    path: str | os.PathLike[str]
    facts: ClipFacts
    size: tuple[int, int]
    start: float = 0.0
    end: float | None = None
    fps: Fraction | None = None
    damage: Damage = field(default_factory=Damage)
    last: int = 0
    """The time at which the last frame that was decoded ends, in units of the clip's time base."""
    shift: int = 0
    """With a start, the time of the first frame, which becomes 0; in units of `time_base`."""

    @property
    def time_base(self) -> Fraction:
        """The unit of the times, in seconds."""
        return self.facts.time_base if self.fps is None else Fraction(1, self.fps.numerator)

    def frames(self, skip: int = 0) -> Generator[Repeated[Num[Tensor, "1 3 h w"] | None]]:
        """Yield the frames in order; of the first `skip` only the times."""
        reader = RgbReader(self.size, self.facts.turn, self.facts.colors)
        with open_clip(self.path, name="content") as container:
            stream = video_stream(container, os.fspath(self.path), name="content")
            stream.thread_type = "AUTO"  # type: ignore[assignment]
            for number, frame in enumerate(self._timed(self._decode(container, stream))):
                if number == 0 and self.start > 0:
                    self.shift = frame.times[0]
                rgb = reader.read(frame.item) if number >= skip else None
                times = tuple(time - self.shift for time in frame.times)
                yield Repeated(rgb, times, frame.duration)

    def _timed(self, frames: Iterator[VideoFrame]) -> Iterator[Repeated[VideoFrame]]:
        base = self.facts.time_base
        usual = max(1, round(1 / self.facts.rate / base))
        ordered = in_order(((frame, *self._told(frame)) for frame in frames), usual)
        end = None if self.end is None else Fraction(self.end) / base
        kept = between(ordered, Fraction(self.start) / base, end)
        if self.fps is None:
            return once(kept)
        return at_rate(kept, 1 / self.fps / base, self.fps.denominator)

    def _told(self, frame: VideoFrame) -> tuple[int | None, int]:
        """Return the time, from the clip's beginning, and the duration that a frame tells."""
        own = frame.time_base or self.facts.stream_time_base
        unit = own / self.facts.time_base
        duration = round((frame.duration or 0) * unit)
        if frame.pts is None:
            return None, duration
        time = round((frame.pts * own - self.facts.origin) / self.facts.time_base)
        self.last = max(self.last, time + duration)
        return time, duration

    def _decode(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        packets = container.demux(stream)
        while self.damage.packets < _MOST_DAMAGE:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                yield from packet.decode()
            except EndOfFileError:
                return
            except FFmpegError as error:
                self.damage.note(error)
