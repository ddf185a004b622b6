"""All that a clip holds beside its pictures: sound, subtitles, chapters, attachments."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from stylekernel_hf.video.formats import VideoFormat
from stylekernel_hf.video.pyav import END_ERRORS, FFmpegError, av
from stylekernel_hf.video.timeline import Timeline, is_cover
from stylekernel_hf.video.trials import can_copy, sound_for
from stylekernel_hf.video.video_track import TimedPacket, describe

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.stream import Stream


@dataclass(frozen=True)
class Shift:
    """What becomes of the clip's times, in seconds: `origin` becomes 0.

    With `is_cut` nothing is kept that is over before it, or that begins at `end` or later.
    """

    origin: Fraction
    is_cut: bool = False
    end: Fraction | None = None

    def keeps(self, begin: Fraction, end: Fraction) -> bool:
        """Say whether what is shown or heard between these times of the clip is kept."""
        return not (self.is_cut and end <= self.origin) and (self.end is None or begin < self.end)


class OtherStreams:
    """The other streams of a clip in the container of the result.

    `notes` say what had to be changed or left out, and why.
    """

    def __init__(
        self,
        content: str | os.PathLike[str],
        source: InputContainer,
        video: Stream,
        target: OutputContainer,
        kind: VideoFormat,
        shift: Shift,
    ) -> None:
        self._content, self._source = content, source
        self._target, self._kind, self._shift = target, kind, shift
        self.notes: list[str] = []
        self._writers: dict[int, _Copy | _Transcoded] = {}
        for stream in source.streams:
            if stream.index != video.index:
                self._add(stream)
        self._copy_chapters()

    def packets(self) -> Iterator[TimedPacket]:
        """Yield the packets for the container, as they come in the file."""
        if not self._writers:
            return
        streams = [self._source.streams[index] for index in self._writers]
        timeline = Timeline(self._source, streams)
        for packet in _demuxed(self._source, timeline.streams):
            timeline.place(packet)
            # An empty one says that a stream is over.
            if packet.size and packet.stream.index in self._writers:
                yield from self._writers[packet.stream.index].take(packet)
        for writer in self._writers.values():
            yield from writer.rest()

    def _add(self, stream: Stream) -> None:
        if stream.type == "data":
            # QuickTime keeps the titles of chapters in a stream of data.
            if not self._source.chapters():
                self._leave_out(stream, "data is not copied")
            return None
        if stream.type == "attachment":
            return self._add_attachment(stream)
        if stream.type == "video" and not is_cover(stream):
            return self._leave_out(stream, "it is a second video")
        if not can_copy(self._content, stream, self._kind.muxer):
            if stream.type != "audio":
                return self._leave_out(stream, f"{self._kind.muxer} cannot hold it")
            return self._transcode(stream)
        copied: Any = self._target.add_stream_from_template(stream, opaque=True)
        describe(copied, stream)
        self._writers[stream.index] = _Copy(stream, copied, self._shift)

    def _transcode(self, stream: Any) -> None:
        muxer, encoder = self._kind.muxer, self._kind.audio
        fitting = sound_for(encoder, stream)
        if fitting is None:
            return self._leave_out(stream, f"{muxer} cannot hold it, nor {encoder} encode it anew")
        layout, rate = fitting
        made: Any = self._target.add_stream(encoder, rate=rate)
        made.layout = layout
        describe(made, stream)
        self._writers[stream.index] = _Transcoded(stream, made, self._shift)
        reason = f"because {muxer} cannot hold it"
        was = stream.codec_context.name
        self.notes.append(f"sound of the codec {was} is encoded anew, as {encoder}, {reason}")

    def _add_attachment(self, stream: Any) -> None:
        if self._kind.muxer != "matroska":
            return self._leave_out(stream, f"{self._kind.muxer} cannot hold it")
        self._target.add_attachment(stream.name or "attachment", stream.mimetype or "", stream.data)

    def _leave_out(self, stream: Stream, reason: str) -> None:
        context: Any = stream.codec_context  # None of data that no codec is known for.
        codec = f", {context.name}" if context is not None else ""
        self.notes.append(f"stream {stream.index} ({stream.type}{codec}) is left out: {reason}")

    def _copy_chapters(self) -> None:
        chapters: list[Any] = []
        for chapter in self._source.chapters():
            base = chapter["time_base"] or Fraction(1)
            begin, end = chapter["start"] * base, chapter["end"] * base
            if not self._shift.keeps(begin, end):
                continue
            moved = round(self._shift.origin / base)
            begin = (
                max(chapter["start"] - moved, 0) if self._shift.is_cut else chapter["start"] - moved
            )
            chapters.append({**chapter, "start": begin, "end": chapter["end"] - moved})
        if chapters:
            self._target.set_chapters(chapters)


class _Copy:
    """A stream whose packets are written as they are, at other times."""

    def __init__(self, stream: Stream, copied: Stream, shift: Shift) -> None:
        self._copied, self._shift = copied, shift
        self._is_cover = is_cover(stream)
        self._base = stream.time_base or Fraction(1)
        self._moved = round(shift.origin / self._base)
        self._last: int | None = None

    def take(self, packet: Any) -> Iterator[TimedPacket]:
        if self._is_cover:
            packet.pts = packet.dts = 0
            packet.stream = self._copied
            yield 0.0, packet
            return
        if packet.dts is None:
            if packet.pts is None:
                return
            packet.dts = packet.pts
        begin = (packet.dts if packet.pts is None else packet.pts) * self._base
        if not self._shift.keeps(begin, begin + (packet.duration or 0) * self._base):
            return
        # Where recordings were joined, the sound of one may begin before that of the other ends.
        if packet.stream.type == "audio" and self._last is not None and packet.dts <= self._last:
            return
        self._last = packet.dts
        packet.dts -= self._moved
        if packet.pts is not None:
            packet.pts -= self._moved
        packet.stream = self._copied
        yield float(packet.dts * self._base), packet

    def rest(self) -> Iterator[TimedPacket]:
        return iter(())


class _Transcoded:
    """Sound that is decoded and encoded anew."""

    def __init__(self, stream: Any, made: Any, shift: Shift) -> None:
        self._made, self._shift = made, shift
        context = made.codec_context
        self._resampler = av.AudioResampler(
            format=context.format, layout=made.layout, rate=context.sample_rate
        )
        self._next: Fraction | None = None

    def take(self, packet: Any) -> Iterator[TimedPacket]:
        try:
            frames = packet.decode()
        except FFmpegError:
            return
        for frame in frames:
            begin = frame.pts * frame.time_base
            end = begin + Fraction(frame.samples, frame.sample_rate)
            is_over = self._next is not None and begin + end < 2 * self._next
            if is_over or not self._shift.keeps(begin, end):
                continue
            self._next = end
            frame.pts -= round(self._shift.origin / frame.time_base)
            for resampled in self._resampler.resample(frame):
                yield from self._encoded(resampled)

    def rest(self) -> Iterator[TimedPacket]:
        for resampled in self._resampler.resample(None):
            yield from self._encoded(resampled)
        yield from self._encoded(None)

    def _encoded(self, frame: Any) -> Iterator[TimedPacket]:
        for packet in self._made.encode(frame):
            yield float(packet.dts * packet.time_base), packet


def _demuxed(source: InputContainer, streams: list[Any]) -> Iterator[Any]:
    packets = source.demux(streams)
    while True:
        try:
            packet = next(packets, None)
        except (*END_ERRORS, FFmpegError):
            return  # The rest of a truncated file.
        if packet is None:
            return
        yield packet
