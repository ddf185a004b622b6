"""Decode visitors' pictures in separate processes, which can be ended.

Limits on pixels and bytes do not limit the time of decoding, and a decoder cannot be stopped
within this process.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from PIL import Image

from demo.bounds import PATIENCE as _PATIENCE
from demo.limits import Limits
from demo.messages import VisitorError
from demo.sandbox import OUT_OF_TIME, Sandbox

logger = logging.getLogger(__name__)

SIZE_BEFORE = "size_before"
"""Key in the `info` of a picture that was scaled down: its width and height in the file, in px."""
_COMMAND = [sys.executable, "-m", "demo.decoder"]
_MEMORY_PER_PIXEL, _MEMORY = 32, 256 * 2**20
_MEMORY_PER_PIXEL_SCALED = 16
"""Bytes for each pixel of a picture that is scaled down: decoded, turned and converted."""
_LINE = 2**16
"""Bytes of the line that a decoder answers."""
_TICK = 0.1
"""Seconds between two questions whether the picture is still wanted."""


class Decoders:
    """Processes that decode pictures, `count` at most at once; they end when this one does."""

    def __init__(self, count: int = 2) -> None:
        self._count = count
        self._forget()
        atexit.register(self.close)
        if hasattr(os, "register_at_fork"):
            # ZeroGPU works in forks, which may not share the pipes of this process.
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        # Kept alive: deleting one would wait for its end, which only its parent process can do.
        self._others = getattr(self, "_idle", [])
        self._idle: list[_Decoder] = []
        self._free = threading.BoundedSemaphore(self._count)

    def load(
        self,
        data: bytes,
        name: str,
        limits: Limits,
        check: Callable[[], object],
        *,
        long_side: int | None = None,
    ) -> Image.Image:
        """Decode as `load_image` does; its ValueError, or VisitorError for too much work.

        A picture of more than `limits.pixels`, or of a longer side of more than `long_side`, is
        scaled down; its size before is `SIZE_BEFORE` of its `info` then. `check` is called again
        and again; what it raises ends the work.
        """
        order = {
            "bytes": len(data),
            "name": name,
            "pixels": limits.pixels,
            "long_side": long_side,
            "most_pixels": max(limits.pixels, limits.most_pixels),
            "seconds": limits.decode_seconds,
            "memory": _memory_for(limits),
        }
        while not self._free.acquire(timeout=_TICK):
            check()
        try:
            decoder = self._idle_one() or _Decoder()
            try:
                answer, pixels = decoder.decode(data, order, check)
            except BaseException:
                decoder.end()
                raise
            if "mode" in answer or "wrong" in answer:
                self._idle.append(decoder)
            else:
                decoder.end()
        finally:
            self._free.release()
        if "mode" in answer:
            picture = Image.frombytes(answer["mode"], answer["size"], pixels)
            if answer["of"] != answer["size"]:
                picture.info[SIZE_BEFORE] = tuple(answer["of"])
            return picture
        if "wrong" in answer:
            raise ValueError(answer["wrong"])
        too_much = "much memory" if "large" in answer else "long"
        raise VisitorError(
            f"{name} takes too {too_much} to read. Please save it anew, as a plain JPEG or PNG."
        )

    def close(self) -> None:
        """End the processes that wait for work."""
        while self._idle:
            self._idle.pop().end()

    def _idle_one(self) -> _Decoder | None:
        with contextlib.suppress(IndexError):
            while True:
                decoder = self._idle.pop()
                if decoder.is_alive():
                    return decoder
                decoder.end()
        return None


class _Decoder(Sandbox):
    def __init__(self) -> None:
        super().__init__(_COMMAND)

    def decode(
        self, data: bytes, order: dict[str, Any], check: Callable[[], object]
    ) -> tuple[dict[str, Any], bytes]:
        """Return the process's answer, and the pixels."""
        answers: queue.SimpleQueue[tuple[dict[str, Any], bytes] | None] = queue.SimpleQueue()
        talk = threading.Thread(
            target=lambda: answers.put(self._talk(data, order)), name="decoder", daemon=True
        )
        talk.start()
        deadline = time.monotonic() + _PATIENCE * order["seconds"]
        is_late = False
        while True:
            with contextlib.suppress(queue.Empty):
                return answers.get(timeout=_TICK) or self._last_words()
            if is_late:
                return {"slow": True}, b""
            # It may take a while, in which the answer may come.
            check()
            is_late = time.monotonic() > deadline

    def _talk(self, data: bytes, order: dict[str, Any]) -> tuple[dict[str, Any], bytes] | None:
        """Send the order and return the answer, or None if the process ended."""
        requests, answers = self.requests, self.answers
        try:
            requests.write(json.dumps(order).encode() + b"\n")
            requests.write(data)
            requests.flush()
            answer = json.loads(answers.readline(_LINE))
            # A picture may have taken the decoder over: its answer is not trusted.
            size = _bytes_of_pixels(answer, order["pixels"])
            pixels = answers.read(size)
        except (OSError, ValueError):
            return None
        return (answer, pixels) if len(pixels) == size else None

    def _last_words(self) -> tuple[dict[str, Any], bytes]:
        ended_by = self.ended_by()
        if ended_by not in OUT_OF_TIME:
            logger.error("a decoder ended by itself (signal %d)", ended_by)
        return {"slow": True}, b""


def _memory_for(limits: Limits) -> int:
    """Return how many bytes a decoder may have."""
    scaled = _MEMORY_PER_PIXEL_SCALED * limits.most_pixels
    return _MEMORY + max(_MEMORY_PER_PIXEL * limits.pixels, scaled)


def _bytes_of_pixels(answer: Any, most: int) -> int:
    """Return how many bytes follow an answer; raise ValueError for an invalid answer."""
    match answer:
        case {
            "mode": "RGB" | "RGBA" as mode,
            "size": [int() as width, int() as height],
            "of": [int(), int()],
        }:
            if min(width, height) > 0 and width * height <= most:
                return width * height * len(mode)
        case {"wrong": str()} | {"slow": True} | {"large": True}:
            return 0
        case _:
            pass
    raise ValueError(f"a decoder answered {answer}")


decoders = Decoders()
"""Of this process: so many of them, whoever has pictures to decode."""
