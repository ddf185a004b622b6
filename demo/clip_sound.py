"""The sound of a visitor's clip, decoded, and kept beside its pictures."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av

from stylekernel_hf import StreamDecoder

SOUND_RATE = 48_000
_BYTES = 4
"""Of a sample: 16-bit stereo."""
_LOOSE = SOUND_RATE // 10
"""Samples by which sound may come early or late before some is left out or silence is put in."""
_MOST_DAMAGE = 100


def decode_sound(container: Any, seconds: float) -> tuple[Fraction, bytes]:
    """Decode the first sound, up to so many seconds and to an error in it.

    Return the time at which it begins, and 16-bit stereo of `SOUND_RATE` from then on.
    """
    track = _Track(int(seconds * SOUND_RATE))
    if container.streams.audio:
        sound = container.streams.audio[0]
        decoder = StreamDecoder(container, sound, _pass_over, most_damage=_MOST_DAMAGE)
        try:
            for frame, time in decoder.frames():
                if track.is_full or (time is not None and time > seconds):
                    break
                track.add(frame, time)
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError):
            pass  # What cannot be resampled ends it.
    return track.begin or Fraction(0), b"".join(track.parts)


def _pass_over(error: Exception) -> None:
    if isinstance(error, MemoryError):
        raise error


class _Track:
    """Sound in one piece, of at most so many samples: with silence where its times leave gaps."""

    def __init__(self, most: int) -> None:
        self.begin: Fraction | None = None
        self.parts: list[bytes] = []
        self._samples, self._most = 0, most
        self._kind: tuple[object, ...] = ()

    @property
    def is_full(self) -> bool:
        return self._samples >= self._most

    def add(self, frame: Any, time: Fraction | None) -> None:
        """Add a frame that is heard at a time, or after the one before it."""
        if time is not None and time + Fraction(frame.samples, frame.sample_rate) <= 0:
            return  # Over before the pictures begin.
        if self.begin is None:
            self.begin = time or Fraction(0)
        elif time is not None:
            late = round((time - self.begin) * SOUND_RATE) - self._samples
            if late < -_LOOSE:
                return
            if late > _LOOSE:
                self._put(bytes(_BYTES * min(late, self._most)))
        for even in self._resampled(frame):
            self._put(even.to_ndarray().tobytes())

    def _put(self, samples: bytes) -> None:
        self.parts.append(samples[: _BYTES * (self._most - self._samples)])
        self._samples += len(self.parts[-1]) // _BYTES

    def _resampled(self, frame: Any) -> list[Any]:
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._kind:  # Recordings that were joined may differ.
            self._kind = kind
            self._resampler = av.AudioResampler("s16", "stereo", SOUND_RATE)
        return self._resampler.resample(frame)
