"""What readers of clips share, be they video files or pictures: cutting, rates and counting."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from jaxtyping import Num
from torch import Tensor

from stylekernel_hf.video.clip import ClipFacts
from stylekernel_hf.video.damage import Damage
from stylekernel_hf.video.timing import Repeated, at_rate, between, in_order, once


@dataclass(frozen=True)
class Undecoded:
    """A frame that `read` makes an upright RGB picture of, when it is needed.

    It has the `name` of its file if it has one of its own.
    """

    read: Callable[[], Num[Tensor, "1 3 h w"]]
    name: str = ""


@dataclass
class TimedReader(ABC):
    """Reads the frames of a clip, `size` (width, height) large, between two times in seconds.

    With `fps` they come at this rate, in units of 1 / its numerator. Errors begin with `name`, the
    caller's argument.
    """

    path: str | os.PathLike[str]
    facts: ClipFacts
    size: tuple[int, int]
    start: float = 0.0
    end: float | None = None
    fps: Fraction | None = None
    name: str = "content"
    damage: Damage = field(default_factory=Damage)
    last: int = 0
    """The time at which the last frame that was decoded ends, in units of the clip's time base."""
    shift: int = 0
    """With a start, the time of the first frame, which becomes 0; in units of `time_base`."""
    names: list[str] = field(default_factory=list[str])
    """The names of the frames so far, without suffixes, where every frame is a file."""

    @property
    def time_base(self) -> Fraction:
        """The unit of the times, in seconds."""
        return self.facts.time_base if self.fps is None else Fraction(1, self.fps.numerator)

    def frames(self, skip: int = 0) -> Generator[Repeated[Num[Tensor, "1 3 h w"] | None]]:
        """Yield the frames in order; of the first `skip` only the times."""
        for number, frame in enumerate(self._timed()):
            if number == 0 and self.start > 0:
                self.shift = frame.times[0]
            self.names += [frame.item.name] * len(frame.times) if frame.item.name else []
            rgb = frame.item.read() if number >= skip else None
            times = tuple(time - self.shift for time in frame.times)
            yield Repeated(rgb, times, frame.duration)

    def count(self) -> int | None:
        """Return about how many frames lie between the two times; None where nothing tells."""
        seconds = self.facts.seconds
        if seconds is None:
            return self.facts.frame_count
        whole = self.facts.frame_count or math.ceil(seconds * self.facts.rate)
        part = max(0.0, min(seconds, seconds if self.end is None else self.end) - self.start)
        return max(1, round(whole * part / seconds)) if seconds > 0 else whole

    @abstractmethod
    def _undecoded(self) -> Iterator[tuple[Undecoded, int | None, int]]:
        """Yield every frame with its time, if it has one, and its duration or 0."""

    def _timed(self) -> Iterator[Repeated[Undecoded]]:
        base = self.facts.time_base
        usual = max(1, round(1 / self.facts.rate / base))
        ordered = in_order(self._undecoded(), usual)
        end = None if self.end is None else Fraction(self.end) / base
        kept = between(ordered, Fraction(self.start) / base, end)
        if self.fps is None:
            return once(kept)
        return at_rate(kept, 1 / self.fps / base, self.fps.denominator)
