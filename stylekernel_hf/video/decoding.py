"""One stream of a file, decoded, with times that go on and with what of it is damaged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from stylekernel_hf.video.damage import LostParts
from stylekernel_hf.video.pyav import END_ERRORS, EndOfFileError, FFmpegError
from stylekernel_hf.video.timeline import Timeline, beginning, video_streams
from stylekernel_hf.video.timing import ShownTimes

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream


class StreamDecoder:
    """Decodes the pictures or the sound of a file, and says when each frame is shown or heard.

    Times go on where those of a transport stream jump, because recordings were joined or its clock
    started anew: the pictures and the sound of a file stay together. What cannot be decoded is left
    out. It imports neither torch nor NumPy.

    Args:
        container: A file that PyAV has opened, at its beginning.
        stream: The stream of it to decode.
        note: Is called with the error of each packet that is damaged; what it raises ends the
            decoding. Sound of transport streams is told if no recordings can be joined there.
        most_damage: After so many errors, at least 1, the rest is not read.

    Raises:
        ImportError: PyAV, the extra "video", is missing.

    Attributes:
        origin: The file's own time, in seconds, of what is 0 here: that at which it begins.
        may_jump: Whether it is of a kind whose times may jump, so that its header does not tell its
            length.

    Example:
        >>> import av
        >>> from stylekernel_hf import StreamDecoder
        >>> with av.open("photo.jpg") as container:
        ...     decoder = StreamDecoder(container, container.streams.video[0])
        ...     [float(time) for frame, time in decoder.frames()]
        [0.0]
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream | AudioStream,
        note: Callable[[Exception], object] = lambda error: None,
        *,
        most_damage: int = 1000,
    ) -> None:
        self._container, self._stream = container, stream
        self._note, self._left = note, most_damage
        self._timeline = Timeline(container, [stream])
        self._shown, self._lost = ShownTimes(), LostParts()
        self.may_jump = self._timeline.may_jump
        pictures = next(iter(video_streams(container)), None)
        self.origin = beginning(container, pictures)
        self._pictures = stream if stream.type == "video" else pictures
        # In program streams FFmpeg finds no key frame where recordings were joined.
        self._tells_seams = container.format.name == "mpegts"
        self._key: float | None = 0
        """Where a key frame lies, until sound from behind it is decoded: a seam may be there."""

    def packets(self) -> Iterator[Any]:
        """Yield the packets of the stream as they come, their times those of the file, moved."""
        packets = self._container.demux(self._timeline.streams)
        while True:
            try:
                packet: Any = next(packets, None)
            except END_ERRORS:
                return
            except FFmpegError as error:
                self._damaged(error)
                return
            if packet is None:
                return
            if self._timeline.place(packet):
                self._lost.clear()
            if packet.stream.index == self._stream.index:
                yield packet
            if self.may_jump and packet.size and packet.stream is self._pictures:
                self._see(packet)

    def frames(self) -> Iterator[tuple[Any, Fraction | None]]:
        """Yield PyAV's frames as they come, with their times in seconds where the file tells any.

        The first frame need not be at 0: sound may begin before the pictures, or after them.
        """
        for packet in self.packets():
            error = None
            try:
                for frame in packet.decode():
                    yield frame, self._time(frame)
            except EndOfFileError:
                return
            except (FFmpegError, ValueError) as raised:
                error = raised
            self._judge(packet, error)
            if self._left <= 0:
                return

    def _judge(self, packet: Any, error: Exception | None) -> None:
        """Note a packet that is damaged, unless it may be the end of one of several recordings."""
        if not (self.may_jump and self._stream.type == "audio"):
            if packet.is_corrupt and not self.may_jump:
                error = EOFError("the file ends within them")
            if error is not None:
                self._lost.clear()
                self._damaged(error)
        elif error is None and not packet.is_corrupt:
            if self._key is not None and (packet.pos or 0) > self._key:
                self._key = None
        elif self._tells_seams and self._key is None:
            self._lost.doubt()

    def _see(self, picture: Any) -> None:
        """Learn from a picture of a transport stream whether what is in doubt is damaged."""
        if picture.is_keyframe:
            self._lost.clear()
            self._key = math.inf if picture.pos is None else picture.pos
        if picture.is_corrupt and picture.stream is self._stream:
            self._lost.doubt()
            return
        for _ in range(self._lost.go_on()):
            self._damaged(ValueError("parts of them are missing"))

    def _time(self, frame: Any) -> Fraction | None:
        time = self._shown.choose(frame.pts, frame.dts)
        base = frame.time_base or self._stream.time_base
        return None if time is None or not base else time * base - self.origin

    def _damaged(self, error: Exception) -> None:
        self._left -= 1
        self._note(error)
