"""When frames are shown: their times put in order, cut to a part, or to a rate of their own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Timed(Generic[_Item]):
    """A frame shown from `time` on for `duration`, both in units of a time base."""

    item: _Item
    time: int
    duration: int


class ShownTimes:
    """Chooses between the two times that frames tell, as FFmpeg's own program does.

    AVI files tell no times at which frames are shown; what FFmpeg takes for them goes back and
    forth with frames that are stored out of order. The order of decoding then tells better ones.
    """

    def __init__(self) -> None:
        self._last: list[int | None] = [None, None]
        self._steps_back = [0, 0]

    def choose(self, shown: int | None, decoded: int | None) -> int | None:
        """Return the time of the next frame; None where the file tells no good one.

        Args:
            shown: The time at which its packet says that it is shown.
            decoded: The time at which the packet that completed it is decoded.
        """
        for kind, time in enumerate((shown, decoded)):
            last = self._last[kind]
            if time is not None:
                self._steps_back[kind] += last is not None and time <= last
                self._last[kind] = time
        prefers_decoded = self._last[1] is not None and self._steps_back[0] > self._steps_back[1]
        return decoded if shown is None or prefers_decoded else shown


def in_order(frames: Iterable[tuple[_Item, int | None, int]], usual: int) -> Iterator[Timed[_Item]]:
    """Give every frame a time after that of the one before, and the duration until the next.

    `frames` are items with the time that the file tells, if it does, and a duration or 0; `usual`
    is the duration where nothing tells one.
    """
    waiting: tuple[_Item, int, int] | None = None
    for item, told, duration in frames:
        time = told
        if waiting is not None:
            earliest = waiting[1] + 1
            time = waiting[1] + usual if told is None else max(told, earliest)
            yield Timed(waiting[0], waiting[1], time - waiting[1])
        waiting = (item, 0 if time is None else time, duration)
    if waiting is not None:
        yield Timed(waiting[0], waiting[1], waiting[2] or usual)


def between(
    frames: Iterable[Timed[_Item]], start: Fraction, end: Fraction | None
) -> Iterator[Timed[_Item]]:
    """Keep the frames that begin from `start` on and before `end`, both in units of the times."""
    for frame in frames:
        if end is not None and frame.time >= end:
            return
        if frame.time >= start:
            yield frame


@dataclass(frozen=True)
class Repeated(Generic[_Item]):
    """A frame shown at each of the `times`, the last of them for `duration`."""

    item: _Item
    times: tuple[int, ...]
    duration: int


def once(frames: Iterable[Timed[_Item]]) -> Iterator[Repeated[_Item]]:
    """Show every frame at its own time."""
    for frame in frames:
        yield Repeated(frame.item, (frame.time,), frame.duration)


def at_rate(
    frames: Iterable[Timed[_Item]], period: Fraction, ticks: int
) -> Iterator[Repeated[_Item]]:
    """Show frames at multiples of a `period`, given in units of their times: `ticks` of the result.

    At each the frame is shown that the clip shows half a period later; frames that are never shown
    are left out.
    """
    for frame in frames:
        first, after = (
            math.ceil(time / period - Fraction(1, 2))
            for time in (frame.time, frame.time + frame.duration)
        )
        if after > first:
            times = tuple(number * ticks for number in range(first, after))
            yield Repeated(frame.item, times, ticks)
