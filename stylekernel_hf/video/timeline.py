"""Times that go on where those of a recording jump, as in transport streams that were joined."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from stylekernel_hf.video.pyav import Disposition, Flags, av

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

# As FFmpeg's program does: in seconds, what is more than a gap, and what is more than disorder.
_GAP = Fraction(10)
_DISORDER = Fraction(1, 10)
_LONGEST_STEP = Fraction(1)
"""Seconds until the next packet is expected, at most, unless a packet tells a longer duration."""
_MOST_BEHIND = 3
"""Packets of a stream that may come after another stream has jumped: FFmpeg holds some back."""


class Timeline:
    """Moves the packets of one container so that the time of none jumps.

    Only some kinds of file may jump; those of others keep their times. All that read the same file
    get the same times, because they look at the same packets: those of `streams`.

    Args:
        container: A container, at its beginning.
        wanted: The streams whose packets are read.

    Attributes:
        streams: The streams to demux: what is wanted and what the jumps are seen in.
        may_jump: Whether it is of a kind whose times may jump.
    """

    def __init__(self, container: InputContainer, wanted: list[Any]) -> None:
        self.streams = list(wanted)
        self.may_jump = may_jump(container)
        if self.may_jump:
            heard_or_seen = [*container.streams.video, *container.streams.audio]
            self.streams += [each for each in heard_or_seen if each not in wanted]
        self._moved = Fraction(0)
        self._tracks: dict[int, _Track] = {}
        self._last: Fraction | None = None
        """When any stream's next packet is expected."""

    def place(self, packet: Any) -> bool:
        """Give the next packet of the streams the time at which it goes on; say if it jumped."""
        base, stream = packet.time_base, packet.stream
        if not self.may_jump or packet.dts is None or not base:
            return False
        moved, has_jumped = self._moved, False
        if stream.type in ("video", "audio") and not is_cover(stream):
            track = self._tracks.setdefault(stream.index, _Track(self._moved))
            before = track.moved
            self._look(track, packet.dts * base, (packet.duration or 0) * base)
            moved, has_jumped = track.moved, track.moved != before
        packet.dts += round(moved / base)
        if packet.pts is not None:
            packet.pts += round(moved / base)
        return has_jumped

    def _look(self, track: _Track, time: Fraction, duration: Fraction) -> None:
        """Notice a jump: against the stream itself or, at its beginning, against the others."""
        expected = self._last if track.expected is None else track.expected
        if track.moved != self._moved:
            # Another stream has jumped, but packets from before may still come.
            track.behind += 1
            if track.behind > _MOST_BEHIND or track.jumps(time, expected):
                track.moved, track.behind = self._moved, 0
        if expected is not None and track.jumps(time, expected):
            self._moved = track.moved = expected - time
        self._last = track.go_on(time, duration)


@dataclass
class _Track:
    """A stream, whose packets are `moved` by so many seconds; for so many it was `behind`."""

    moved: Fraction
    behind: int = 0
    last: Fraction | None = None
    """The time of its last packet."""
    expected: Fraction | None = None
    """The time at which its next packet is expected."""

    def jumps(self, time: Fraction, expected: Fraction | None) -> bool:
        """Say whether a packet of this time is out of place."""
        time += self.moved
        goes_back = self.last is not None and time < self.last - _DISORDER
        return goes_back or (expected is not None and abs(time - expected) > _GAP)

    def go_on(self, time: Fraction, duration: Fraction) -> Fraction:
        """Take a packet; return when the next one is expected."""
        time += self.moved
        # Files may tell too short a duration; a pause says nothing of the next one.
        step = Fraction(0) if self.last is None else min(time - self.last, _LONGEST_STEP)
        self.last, self.expected = time, time + max(duration, step)
        return self.expected


def may_jump(container: InputContainer) -> bool:
    """Return whether a file is of a kind whose times may jump."""
    return bool(container.format.flags & Flags.ts_discont.value)


def is_cover(stream: Stream) -> bool:
    """Return whether a stream of video is a still picture."""
    return bool(stream.disposition & Disposition.attached_pic)


def video_streams(container: InputContainer) -> list[VideoStream]:
    """Return the streams of moving pictures."""
    return [each for each in container.streams.video if not is_cover(each)]


def beginning(container: InputContainer, pictures: VideoStream | None) -> Fraction:
    """Return the time at which a file begins, in seconds, from its stream of pictures if any."""
    begin = Fraction(container.start_time or 0, av.time_base)
    if pictures is None:
        return begin
    # Sound may begin before 0, with what its codec needs to begin; pictures do where the clock of a
    # transport stream starts anew.
    shown = (pictures.start_time or 0) * (pictures.time_base or Fraction(0))
    return max(begin, min(shown, Fraction(0)))
