"""Times that go on where those of a recording jump, as in transport streams that were joined."""

from __future__ import annotations

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
        jumped: Whether a time has jumped so far.
    """

    def __init__(self, container: InputContainer, wanted: list[Any]) -> None:
        self.streams = list(wanted)
        self.jumped = False
        self.may_jump = bool(container.format.flags & Flags.ts_discont.value)
        if self.may_jump:
            heard_or_seen = [*container.streams.video, *container.streams.audio]
            self.streams += [each for each in heard_or_seen if each not in wanted]
        self._moved = Fraction(0)
        self._shown: dict[int, tuple[Fraction, Fraction]] = {}
        """The time of each stream's last packet, and that at which its next one is expected."""
        self._last: Fraction | None = None

    def place(self, packet: Any) -> None:
        """Give the next packet of the streams the time at which it goes on."""
        base, stream = packet.time_base, packet.stream
        if not self.may_jump or packet.dts is None or not base:
            return
        if stream.type in ("video", "audio") and not is_cover(stream):
            self._look(packet.dts * base, stream, (packet.duration or 0) * base)
        moved = round(self._moved / base)
        packet.dts += moved
        if packet.pts is not None:
            packet.pts += moved

    def _look(self, time: Fraction, stream: Stream, duration: Fraction) -> None:
        """Notice a jump: against the stream itself or, at its beginning, against the others."""
        time += self._moved
        before, expected = self._shown.get(stream.index, (None, self._last))
        if expected is not None:
            change = time - expected
            if abs(change) > _GAP or (before is not None and change < -_DISORDER):
                self._moved, time, self.jumped = self._moved - change, expected, True
        # Files may tell too short a duration.
        step = duration if before is None else max(duration, time - before)
        self._shown[stream.index] = (time, time + step)
        self._last = time + step


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
