"""One stream of a file, decoded, with times that go on and with what of it is damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from stylekernel_hf.video.damage import LostParts
from stylekernel_hf.video.pyav import EndOfFileError, FFmpegError
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
            decoding.
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
        self.origin = beginning(container, next(iter(video_streams(container)), None))

    def packets(self) -> Iterator[Any]:
        """Yield the packets of the stream as they come, their times those of the file, moved."""
        packets = self._container.demux(self._timeline.streams)
        while True:
            try:
                packet: Any = next(packets, None)
            except EndOfFileError:
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

    def frames(self) -> Iterator[tuple[Any, Fraction | None]]:
        """Yield PyAV's frames as they come, with their times in seconds where the file tells any.

        The first frame need not be at 0: sound may begin before the pictures, or after them.
        """
        for packet in self.packets():
            try:
                for frame in packet.decode():
                    yield frame, self._time(frame)
            except EndOfFileError:
                return
            except (FFmpegError, ValueError) as error:
                self._lost.clear()
                self._damaged(error)
            if self.may_jump and packet.size:
                for _ in range(self._lost.look(packet)):
                    self._damaged(ValueError("parts of them are missing"))
            if self._left <= 0:
                return

    def _time(self, frame: Any) -> Fraction | None:
        time = self._shown.choose(frame.pts, frame.dts)
        base = frame.time_base or self._stream.time_base
        return None if time is None or not base else time * base - self.origin

    def _damaged(self, error: Exception) -> None:
        self._left -= 1
        self._note(error)
