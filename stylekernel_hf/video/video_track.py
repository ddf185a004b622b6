"""The stylized parts of a video, one after the other in one stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from stylekernel_hf.video.encoding import Encoding
from stylekernel_hf.video.pyav import av
from stylekernel_hf.video.segments import Segment

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.stream import Stream

TimedPacket: TypeAlias = tuple[float, Any]
"""A packet ready for its stream, after the time in seconds at which it is to be decoded."""

# What holds of the old stream alone; Matroska counts its bytes in tags.
_OF_THE_STREAM = {"duration", "encoder", "vendor_id", "bps", "number_of_bytes", "number_of_frames"}


class VideoTrack:
    """The stylized parts as one stream of a container."""

    def __init__(
        self, container: OutputContainer, parts: Sequence[Segment], encoding: Encoding
    ) -> None:
        self._parts, self._encoding = parts, encoding
        with av.open(f"file:{parts[0].path}") as first:
            self.stream: Any = container.add_stream_from_template(
                first.streams.video[0], opaque=True
            )
        self.stream.time_base = encoding.time_base
        self.stream.codec_context.sample_aspect_ratio = encoding.aspect
        if encoding.codec.name == "hevc":
            self.stream.codec_context.codec_tag = "hvc1"  # Apple's players know no other.

    def describe(self, stream: Stream) -> None:
        """Say of the track what the clip says of its own."""
        describe(self.stream, stream)

    def packets(self) -> Iterator[TimedPacket]:
        """Yield the packets in the order of decoding.

        The times of decoding are those at which frames are shown, put off by as many frames as
        the encoder has put any before another.
        """
        base = self._encoding.time_base
        delay = max(_delay(part) for part in self._parts)
        usual = max(1, round(1 / self._encoding.rate / base))
        begin = self._parts[0].first
        decoding = deque(begin - usual * (delay - place) for place in range(delay))
        for part in self._parts:
            times = [part.first + time for time in sorted(_times(part))]
            following = dict(zip(times, [*times[1:], part.end], strict=True))
            with av.open(f"file:{part.path}") as container:
                packets = (p for p in container.demux(video=0) if p.pts is not None)
                for time, packet in zip(times, packets, strict=True):
                    decoding.append(time)
                    packet.pts = part.first + (packet.pts or 0)
                    packet.dts = decoding.popleft()
                    packet.duration = following[packet.pts] - packet.pts
                    packet.time_base, packet.stream = base, self.stream
                    yield float(packet.dts * base), packet


def _times(part: Segment) -> list[int]:
    """Return when the frames of a part are shown, in the order of decoding, from 0 on."""
    with av.open(f"file:{part.path}") as container:
        return [packet.pts for packet in container.demux(video=0) if packet.pts is not None]


def _delay(part: Segment) -> int:
    """Return how many places any frame of a part is shown before it is decoded, at most."""
    times = _times(part)
    rank = {time: place for place, time in enumerate(sorted(times))}
    return max(place - rank[time] for place, time in enumerate(times))


def describe(made: Any, stream: Stream) -> None:
    """Give a stream the tags of another, and its role: the default one, for the deaf, and so on."""
    tags = stream.metadata.items()
    made.metadata.update({key: value for key, value in tags if key.lower() not in _OF_THE_STREAM})
    made.disposition = stream.disposition.value  # Releases of PyAV before 17 take no other.
