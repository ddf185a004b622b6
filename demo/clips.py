"""Visitors' clips, decoded in a process of their own and written anew as plain MP4 files.

The bytes of a visitor's clip come to no FFmpeg library of this process: it gets pixels and sound.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from demo.bounds import PATIENCE
from demo.clip_decoder import END, MOST_RATE, TICKS, TIME
from demo.clip_sound import SOUND_RATE
from demo.clip_writer import ClipWriter
from demo.limits import Limits
from demo.messages import VisitorError
from demo.sandbox import OUT_OF_TIME, Sandbox

logger = logging.getLogger(__name__)

_COMMAND = [sys.executable, "-m", "demo.clip_decoder"]
_MEMORY, _MEMORY_PER_PIXEL = 384 * 2**20, 96
"""Bytes that a decoder may have, and for each pixel of a frame: codecs keep up to 17 of them."""
_LINE = 2**16
_AHEAD = 4
"""Frames that are decoded before they are asked for."""
_TICK = 0.1
_SECOND_OF_SOUND = 4 * SOUND_RATE


@dataclass(frozen=True)
class PlainClip:
    """What was written: how many frames, their size, and whether parts could not be decoded."""

    frames: int
    size: tuple[int, int]
    damaged: bool


def write_plainly(
    data: bytes, name: str, target: Path, limits: Limits, check: Callable[[], object]
) -> PlainClip:
    """Decode a visitor's clip, scale it down, and write it to `target`, an MP4 file.

    `check` is called again and again; what it raises ends the work. VisitorError, which begins with
    `name`, for a clip that cannot be read or is more than the limits allow.
    """
    order = {
        "bytes": len(data),
        "seconds": limits.video_decode_seconds,
        "memory": _MEMORY + _MEMORY_PER_PIXEL * limits.video_pixels,
        "pixels": limits.video_pixels,
        "side": limits.video_side,
        "rate": limits.video_rate,
        "length": limits.video_seconds,
    }
    decoder = _ClipDecoder(data, order, check)
    try:
        head = decoder.head()
        count = 0
        with ClipWriter(target, head.size, limits.video_rate, head.sound, head.begin) as writer:
            for ticks, pixels in decoder.frames():
                writer.add(ticks, pixels)
                count += 1
        return PlainClip(count, head.size, decoder.is_damaged())
    except _RefusedError as refused:
        raise VisitorError(_words(name, refused.word, refused.value, limits)) from None
    finally:
        decoder.end()


class _Head(NamedTuple):
    """What comes first: the size of the frames; the sound, and when it begins."""

    size: tuple[int, int]
    sound: bytes
    begin: int


class _RefusedError(Exception):
    def __init__(self, word: str, value: Any = None) -> None:
        super().__init__(word)
        self.word, self.value = word, value


class _ClipDecoder(Sandbox):
    """The process, whose answers are taken by a thread; nothing of them is believed unchecked."""

    def __init__(self, data: bytes, order: dict[str, Any], check: Callable[[], object]) -> None:
        super().__init__(_COMMAND)
        self._order, self._check = order, check
        self._taken: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._room = threading.Semaphore(_AHEAD)
        self._is_over = False
        self._deadline = time.monotonic() + PATIENCE * order["seconds"]
        talk = threading.Thread(target=self._talk, args=(data,), name="clip", daemon=True)
        talk.start()

    def head(self) -> _Head:
        """Return what comes before the frames."""
        return self._next()

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Give the frames with their times."""
        while (frame := self._next()) is not None:
            yield frame
            self._room.release()

    def is_damaged(self) -> bool:
        """Say, after the frames, whether some could not be decoded."""
        return self._next()

    def end(self) -> None:
        """End the process, and the thread that talks to it."""
        self._is_over = True
        self._room.release()
        super().end()

    def _next(self) -> Any:
        while True:
            # Frames may come as fast as they are taken.
            self._check()
            with contextlib.suppress(queue.Empty):
                taken = self._taken.get(timeout=_TICK)
                if isinstance(taken, _RefusedError):
                    raise taken
                return taken
            if time.monotonic() > self._deadline:
                raise _RefusedError("slow")

    def _talk(self, data: bytes) -> None:
        try:
            self.requests.write(json.dumps(self._order).encode() + b"\n")
            self.requests.write(data)
            self.requests.close()
            for each in self._answers():
                self._taken.put(each)
        except _RefusedError as refused:
            self._taken.put(refused)
        except Exception:
            # Whatever is wrong with an answer, somebody waits for it.
            self._taken.put(_RefusedError(self._last_word()))

    def _answers(self) -> Iterator[Any]:
        """Give the head; the frames, and None after the last; and whether there was damage."""
        most = self._order["length"] + 1
        line = self._line()
        width, height = _checked_size(line, self._order["side"])
        count, begin = line["sound"], line["begin"]
        if not 0 <= count <= most * _SECOND_OF_SOUND or count % 4 or abs(begin) > most * TICKS:
            raise ValueError(f"a decoder answered {line}")
        yield _Head((width, height), self._bytes(count), int(begin))
        last = END
        while (ticks := TIME.unpack(self._bytes(TIME.size))[0]) != END:
            if not last < ticks <= most * TICKS:
                raise ValueError(f"a frame has the time {ticks} after {last}")
            self._room.acquire()
            if self._is_over:
                return
            yield ticks, self._bytes(3 * width * height)
            last = ticks
        yield None
        yield bool(self._line()["damaged"])

    def _line(self) -> dict[str, Any]:
        line = json.loads(self.answers.readline(_LINE))
        if (word := line.get("problem")) is not None:
            raise _RefusedError(str(word), line.get("value"))
        return line

    def _bytes(self, count: int) -> bytes:
        data = self.answers.read(count)
        if len(data) != count:
            raise ValueError("the answer is cut short")
        return data

    def _last_word(self) -> str:
        if self._is_over:
            return "over"
        self._process.kill()
        if (signal := self.ended_by()) not in OUT_OF_TIME:
            logger.error("a decoder of clips ended by itself (signal %d)", signal)
        return "slow"


def _checked_size(line: dict[str, Any], most: int) -> tuple[int, int]:
    match line:
        case {"size": [int() as width, int() as height]}:
            if min(width, height) > 0 and max(width, height) <= most and not (width | height) % 2:
                return width, height
        case _:
            pass
    raise ValueError(f"a decoder answered {line}")


def _words(name: str, word: str, value: Any, limits: Limits) -> str:
    """Say what is wrong with a clip; whatever the decoder's value is, only numbers are shown."""
    most = f"at most {limits.video_seconds:g} s are taken here. Please cut it first."
    is_size = isinstance(value, list) and len(value) == 2
    size = "{:.0f}×{:.0f} px".format(*map(_number, value)) if is_size else "too few pixels"
    return name + {
        "sound": " holds sound, but no pictures.",
        "frames": " has no frames that can be read.",
        "long": f" is {_number(value):.0f} s long, and {most}",
        "large": f" is too large: its frames have {size}, and at most "
        f"{limits.video_pixels / 1e6:.0f} megapixels are taken.",
        "small": f" is too small: its frames have {size}, and at least 16 px a side are needed.",
        "fast": f" has {_number(value):.0f} frames a second, and at most {MOST_RATE} are taken.",
        "hdr": " is of high dynamic range (HDR), which cannot be painted. Please export it as SDR.",
        "memory": " takes too much memory to read. Please save it anew, as a plain MP4 file.",
        "slow": " takes too long to read. Please save it anew, as a plain MP4 file.",
    }.get(
        word,
        " is no video that can be read. Please choose an MP4, MOV, WebM, MKV, AVI or GIF file.",
    )


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
