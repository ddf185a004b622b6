"""What of a clip's sound is damaged: it is decoded once, because copying it tells nothing."""

from __future__ import annotations

import os
from fractions import Fraction
from typing import Any

from stylekernel_hf.video.clip import open_clip
from stylekernel_hf.video.decoding import StreamDecoder

# Decoders take sound whose checksums are wrong unless they are asked not to.
_STRICT = {"err_detect": "crccheck+explode"}


def sound_damage(
    path: str | os.PathLike[str], start: float, end: float | None, *, name: str
) -> str:
    """Say what of the sound between two times, in seconds, is missing or damaged, or nothing.

    What cannot be decoded before the first sound and after the last says nothing: recordings begin
    and end in the middle of a packet, and some codecs begin later. Errors begin with `name`.
    """
    found: list[Fraction] = []
    with open_clip(path, name=name) as container:
        count = len(container.streams.audio)
    for number in range(count):
        found += _find(path, number, end, name)
    inside = sorted(time for time in found if time >= start and (end is None or time < end))
    if not inside:
        return ""
    places = "1 place" if len(inside) == 1 else f"{len(inside)} places"
    return (
        f"{name}: the sound of '{os.fspath(path)}' is missing or damaged in {places}, first at "
        f"about {float(inside[0]):.1f} s"
    )


def _find(
    path: str | os.PathLike[str], number: int, end: float | None, name: str
) -> list[Fraction]:
    """Return after which times, in seconds, sound is missing or damaged."""
    found: list[Fraction] = []
    heard: Fraction | None = None
    is_in_doubt = False

    def note(error: Exception) -> None:
        nonlocal is_in_doubt
        is_in_doubt = heard is not None
        if isinstance(error, EOFError) and heard is not None:
            found.append(heard)

    with open_clip(path, name=name) as container:
        stream: Any = container.streams.audio[number]
        if stream.codec_context is None:
            return []  # FFmpeg cannot decode it.
        stream.codec_context.options = dict(_STRICT)
        for frame, time in StreamDecoder(container, stream, note).frames():
            if is_in_doubt and heard is not None:
                found.append(heard)
                is_in_doubt = False
            heard = time or heard or Fraction(0)
            if end is not None and heard >= end:
                break
            heard += Fraction(frame.samples, frame.sample_rate)
    return found
