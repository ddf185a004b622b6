"""The frames of a video file, one after the other, with their times."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from stylekernel_hf.video.clip import open_clip, video_stream
from stylekernel_hf.video.conversion import RgbReader
from stylekernel_hf.video.decoding import StreamDecoder
from stylekernel_hf.video.timed_reader import TimedReader, Undecoded

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


class FrameReader(TimedReader):
    """Decodes the frames of a video file."""

    def count(self) -> int | None:
        """Return how many frames lie between the two times, by the packets if no header tells.

        A packet of an interlaced clip may hold half a frame only.
        """
        if self.facts.frame_count is not None or self.facts.interlaced:
            return super().count()
        found = 0
        with open_clip(self.path, name=self.name) as container:
            stream = video_stream(container, os.fspath(self.path), name=self.name)
            decoder = StreamDecoder(container, stream)
            for packet in decoder.packets():
                shown, decoded = (
                    None if time is None else time * packet.time_base - decoder.origin
                    for time in (packet.pts, packet.dts)
                )
                if self.end is not None and decoded is not None and decoded >= self.end:
                    break
                is_late = self.end is not None and shown is not None and shown >= self.end
                is_early = shown is not None and shown < self.start
                found += packet.size > 0 and not is_late and not is_early
        return found

    def _undecoded(self) -> Iterator[tuple[Undecoded, int | None, int]]:
        reader = RgbReader(self.size, self.facts.turn, self.facts.colors)
        with open_clip(self.path, name=self.name) as container:
            stream = video_stream(container, os.fspath(self.path), name=self.name)
            stream.thread_type = "AUTO"  # type: ignore[assignment]
            decoder = StreamDecoder(container, stream, self.damage.note)
            for frame, seconds in decoder.frames():
                yield Undecoded(partial(reader.read, frame)), *self._told(frame, seconds)

    def _told(self, frame: VideoFrame, seconds: Fraction | None) -> tuple[int | None, int]:
        """Return the time, from the clip's beginning, and the duration of a frame."""
        own = frame.time_base or self.facts.stream_time_base
        duration = round((frame.duration or 0) * own / self.facts.time_base)
        if seconds is None:
            self.last += duration
            return None, duration
        time = round(seconds / self.facts.time_base)
        self.last = max(self.last, time + duration)
        return time, duration
