"""A small process that decodes one visitor's clip; `clips` starts it and can end it.

It reads an order from its standard input, a line of JSON and the file's bytes. It answers with a
line of JSON, which has the size of the frames and the bytes of sound; the sound; the frames, each
after its time; and a last line of JSON. A line can tell a problem instead. It opens nothing:
FFmpeg's libraries have no more than the bytes, and the process may open neither files nor
connections.
"""

from __future__ import annotations

import importlib
import io
import itertools
import json
import os
import pkgutil
import struct
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import IO, Any

import av
import numpy as np
from av.stream import Disposition

from demo.bounds import bound, close_off
from demo.clip_sound import decode_sound
from stylekernel_hf import StreamDecoder

TICKS = 90_000
"""Times are in units of 1 / `TICKS` s: frames of all usual rates begin at whole numbers of them."""
TIME = struct.Struct(">q")
END = -1
"""In place of a time, where no frame follows."""
MOST_RATE = 240
"""Frames a second of a clip that is read."""
_FORMATS = "mov,matroska,avi,mpegts,gif"
# No protocol is called so: whatever a file names, FFmpeg refuses to open it.
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "none"}
_HDR_TRANSFERS = (16, 18)
_UNSPECIFIED, _BT709, _MOST_SD_ROWS = 2, 1, 576
_LEAST_SIDE = 16
_SLACK = 0.5
"""Seconds by which a clip may be longer than is taken: cameras do not stop to the frame."""
_MOST_DAMAGE = 100


class Problem(Exception):  # noqa: N818
    """Why a clip cannot be read: one word, and the number or size that is too large."""

    def __init__(self, word: str, value: Any = None) -> None:
        super().__init__(word, value)
        self.word, self.value = word, value


def main() -> None:
    """Answer one order."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Output that a library prints must not mix with the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    av.logging.set_level(None)
    # PyAV imports its parts when they are needed; here, nothing can be imported then.
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    order = json.loads(sys.stdin.buffer.readline())
    bound(order["seconds"], order["memory"])
    close_off()
    with answers:
        _answer(answers, sys.stdin.buffer.read(order["bytes"]), order)


def _answer(answers: IO[bytes], data: bytes, order: dict[str, Any]) -> None:
    has_begun = False
    try:
        clip = _Clip(data, order)
        begin, sound = decode_sound(_opened(data), order["length"] + _SLACK)
        head = {"size": clip.size, "sound": len(sound), "begin": int(begin * TICKS)}
        _say(answers, head)
        answers.write(sound)
        has_begun = True
        for time, pixels in clip.frames():
            answers.write(TIME.pack(time))
            answers.write(pixels.data)
        told: dict[str, Any] = {"damaged": clip.damage > 0}
    except Problem as problem:
        told = {"problem": problem.word, "value": problem.value}
    except MemoryError:
        told = {"problem": "memory"}
    except (av.FFmpegError, ValueError, ArithmeticError):
        told = {"problem": "frames" if has_begun else "none"}
    if has_begun:
        answers.write(TIME.pack(END))
    _say(answers, told)


def _opened(data: bytes) -> Any:
    options = dict(_OPTIONS)
    return av.open(io.BytesIO(data), "r", container_options=options, metadata_errors="replace")


def _say(answers: IO[bytes], words: dict[str, Any]) -> None:
    answers.write(json.dumps(words).encode() + b"\n")


class _Clip:
    """A file that is to be read; Problem for one that cannot be."""

    def __init__(self, data: bytes, order: dict[str, Any]) -> None:
        self._container, self._order = _opened(data), order
        self.damage = 0
        self._video = _first_video(self._container)
        decoder = StreamDecoder(self._container, self._video, self._note, most_damage=_MOST_DAMAGE)
        self._check_size()
        self._check_length(_seconds(_opened(data)) if decoder.may_jump else self._told_seconds())
        self._usual = 1 / Fraction(self._video.average_rate or self._video.guessed_rate or 25)
        context = self._video.codec_context
        # One thread: a visitor's clip must not occupy all processors.
        context.thread_count = 1
        context.options = {"max_pixels": str(order["pixels"])}
        self._frames = decoder.frames()
        begin = next(self._frames, None)
        if begin is None:
            raise Problem("frames")
        self._begin, self._first = begin, begin[0]
        if self._first.color_trc in _HDR_TRANSFERS:
            raise Problem("hdr")
        self._turns = round(self._first.rotation / 90) % 4
        self._scaled = self._scaled_size()
        self.size = self._scaled[::-1] if self._turns % 2 else self._scaled

    def _note(self, error: Exception) -> None:
        if isinstance(error, MemoryError):
            raise error
        self.damage += 1

    def _check_size(self) -> None:
        """Look at what the file says of itself, before anything is decoded."""
        video, order = self._video, self._order
        if not video.width or not video.height:
            raise Problem("frames")
        if video.width * video.height > order["pixels"]:
            raise Problem("large", [video.width, video.height])
        if min(video.width, video.height) < _LEAST_SIDE:
            raise Problem("small", [video.width, video.height])

    def _told_seconds(self) -> float:
        """Return the length that the header tells, or 0."""
        video = self._video
        own = video.duration * video.time_base if video.duration and video.time_base else 0
        return float(own or Fraction(max(0, self._container.duration or 0), av.time_base))

    def _check_length(self, seconds: float) -> None:
        if seconds > self._order["length"] + _SLACK:
            raise Problem("long", seconds)

    def _scaled_size(self) -> tuple[int, int]:
        """Return the size, in even numbers, of frames as they lie in the file."""
        aspect = float(self._video.sample_aspect_ratio or 1)
        width, height = self._first.width * aspect, float(self._first.height)
        scale = min(1.0, self._order["side"] / max(width, height))
        most = self._order["side"] // 2 * 2
        sides = (max(_LEAST_SIDE, round(side * scale / 2) * 2) for side in (width, height))
        across, down = (min(side, most) for side in sides)
        return across, down

    def frames(self) -> Iterator[tuple[int, np.ndarray[Any, Any]]]:
        """Give the frames with their times, but no more a second than are ordered."""
        period = Fraction(1, self._order["rate"])
        last, due = Fraction(-1), Fraction(0)
        for number, (frame, told) in enumerate(itertools.chain([self._begin], self._frames)):
            time = last + self._usual if told is None else told
            self._check_length(float(time))
            # Headers are often wrong about it.
            if number > MOST_RATE * (time + 1):
                raise Problem("fast", float(number / max(time, _SLACK)))
            if time < max(due - period / 4, 0) or time <= last:
                continue
            due, last = max(due, time - period) + period, time
            yield int(time * TICKS), self._rgb(frame)

    def _rgb(self, frame: Any) -> np.ndarray[Any, Any]:
        if frame.width * frame.height > self._order["pixels"]:
            raise Problem("large", [frame.width, frame.height])
        width, height = self._scaled
        # Where the file does not tell, what players take for it.
        is_untold = frame.colorspace == _UNSPECIFIED and frame.height > _MOST_SD_ROWS
        rgb = frame.reformat(
            width, height, "rgb24", src_colorspace=_BT709 if is_untold else None
        ).to_ndarray()
        return np.ascontiguousarray(np.rot90(rgb, self._turns))


def _first_video(container: Any) -> Any:
    streams = container.streams
    pictures = Disposition.attached_pic
    videos = [each for each in streams.video if not each.disposition & pictures]
    if not videos:
        raise Problem("sound" if streams.audio else "none")
    return videos[0]


def _seconds(container: Any) -> float:
    """Return the length of the pictures, of all recordings that were joined, by their packets."""
    decoder = StreamDecoder(container, _first_video(container))
    ends = (
        (packet.pts + (packet.duration or 0)) * packet.time_base
        for packet in decoder.packets()
        if packet.pts is not None
    )
    return float(max(ends, default=decoder.origin) - decoder.origin)


if __name__ == "__main__":
    main()
