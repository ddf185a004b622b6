"""The frames of a video file, one after the other, with their times."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from stylekernel_hf.video.clip import open_clip, video_stream
from stylekernel_hf.video.conversion import RgbReader
from stylekernel_hf.video.pyav import EndOfFileError, FFmpegError
from stylekernel_hf.video.timed_reader import TimedReader, Undecoded
from stylekernel_hf.video.timeline import Timeline
from stylekernel_hf.video.timing import ShownTimes

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# A file of which so much is damaged is not read to its end.
_MOST_DAMAGE = 1000


class FrameReader(TimedReader):
    """Decodes the frames of a video file."""

    def _undecoded(self) -> Iterator[tuple[Undecoded, int | None, int]]:
        reader = RgbReader(self.size, self.facts.turn, self.facts.colors)
        with open_clip(self.path, name=self.name) as container:
            stream = video_stream(container, os.fspath(self.path), name=self.name)
            stream.thread_type = "AUTO"  # type: ignore[assignment]
            times = ShownTimes()
            for frame in self._decode(container, stream):
                told = self._told(frame, times.choose(frame.pts, frame.dts))
                yield Undecoded(partial(reader.read, frame)), *told

    def _told(self, frame: VideoFrame, shown: int | None) -> tuple[int | None, int]:
        """Return the time, from the clip's beginning, and the duration of a frame."""
        own = frame.time_base or self.facts.stream_time_base
        unit = own / self.facts.time_base
        duration = round((frame.duration or 0) * unit)
        if shown is None:
            return None, duration
        time = round((shown * own - self.facts.origin) / self.facts.time_base)
        self.last = max(self.last, time + duration)
        return time, duration

    def _decode(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        timeline = Timeline(container, [stream])
        packets = container.demux(timeline.streams)
        while self.damage.packets < _MOST_DAMAGE:
            try:
                packet: Any = next(packets, None)
                if packet is None:
                    return
                timeline.place(packet)
                self.jumped = timeline.jumped
                if packet.stream.index == stream.index:
                    yield from packet.decode()
            except EndOfFileError:
                return
            except FFmpegError as error:
                self.damage.note(error)
