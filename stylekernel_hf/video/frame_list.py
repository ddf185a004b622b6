"""The frames of a clip as PIL images, one after the other, for programs that compare them."""

from __future__ import annotations

import os
from collections.abc import Callable

from PIL import Image

from stylekernel_hf.images.tensors import from_rgb_tensor
from stylekernel_hf.video.option_checks import check_fps
from stylekernel_hf.video.sources import look_at
from stylekernel_hf.video.timed_reader import TimedReader


class FrameList:
    """The frames of a video file, of a folder (`fps` a second) or of a picture that moves.

    They are counted at once, which decodes a video file, and read in order afterwards.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, name: str, fps: float | None = None
    ) -> None:
        facts, reads, rate = look_at(path, check_fps(fps), name=name)
        self._size = facts.width, facts.height

        def reader() -> TimedReader:
            return reads(path, facts, self._size, fps=rate, name=name)

        self._reader = reader()
        every = reader()
        self.times = [
            time * every.time_base for frame in every.frames(skip=2**62) for time in frame.times
        ]
        """When each frame is shown, in seconds."""

    @property
    def size(self) -> tuple[int, int]:
        """Return (height, width)."""
        return self._size[1], self._size[0]

    def loaders(self) -> list[Callable[[], Image.Image]]:
        """Return what gives each frame, to be called in order."""
        frames = (
            from_rgb_tensor(frame.item, output_type="pil")
            for frame in self._reader.frames()
            if frame.item is not None
            for _ in frame.times
        )
        return [lambda: next(frames)] * len(self.times)
