"""Writes pixels and sound to a plain MP4 file, of which nothing is a visitor's own bytes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from demo.clip_decoder import TICKS
from demo.clip_sound import SOUND_RATE

# Nearly without loss, and quick: the file lives until it is stylized.
_OPTIONS = {"preset": "ultrafast", "crf": "8"}
_PART, _BIT_RATE = 1024, 192_000
"""Samples that are compressed together, and bits a second of what becomes of them."""
_BT709, _LIMITED_RANGE = 1, 1


class ClipWriter:
    """A file to which frames of one even size are added, after the sound; a context.

    The sound is 16-bit stereo of `SOUND_RATE`, and begins at a time in ticks, as frames do.
    """

    def __init__(
        self, path: Path, size: tuple[int, int], rate: int, sound: bytes, begin: int
    ) -> None:
        self._size = size
        self._container = av.open(
            str(path), "w", format="mp4", container_options={"video_track_timescale": str(TICKS)}
        )
        self._video: Any = self._container.add_stream("libx264", rate, dict(_OPTIONS))
        self._video.width, self._video.height = size
        self._video.pix_fmt = "yuv420p"
        context = self._video.codec_context
        context.time_base = Fraction(1, TICKS)
        context.thread_count = 1
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        if sound:
            self._add_sound(sound, begin)

    def __enter__(self) -> ClipWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._container.mux(self._video.encode(None))
        finally:
            self._container.close()

    def add(self, ticks: int, pixels: bytes) -> None:
        """Add a frame, RGB, that is shown at a time."""
        width, height = self._size
        rgb = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
        frame = av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(
            format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED_RANGE
        )
        frame.pts, frame.time_base = ticks, Fraction(1, TICKS)
        self._container.mux(self._video.encode(frame))

    def _add_sound(self, sound: bytes, begin: int) -> None:
        audio: Any = self._container.add_stream("aac", SOUND_RATE, layout="stereo")
        audio.bit_rate = _BIT_RATE
        samples = np.frombuffer(sound, np.int16).reshape(1, -1)
        shift = begin * SOUND_RATE // TICKS
        if shift < 0:  # Before the first frame.
            samples, shift = samples[:, -2 * shift :], 0
        for first in range(0, samples.shape[1], 2 * _PART):
            part = np.ascontiguousarray(samples[:, first : first + 2 * _PART])
            frame = av.AudioFrame.from_ndarray(part, "s16", "stereo")
            frame.sample_rate = SOUND_RATE
            frame.pts, frame.time_base = shift + first // 2, Fraction(1, SOUND_RATE)
            self._container.mux(audio.encode(frame))
        self._container.mux(audio.encode(None))
