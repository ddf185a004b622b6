"""How fast a run is, and how much of its time it waits for pictures."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Throughput:
    """Pairs of crops that were trained on, and seconds: in all, and of those, waiting for pairs."""

    images: int
    seconds: float
    waited: float

    @property
    def images_per_second(self) -> float:
        """Pairs a second, over all processes."""
        return self.images / self.seconds if self.seconds else 0.0

    @property
    def loading_share(self) -> float:
        """The part of the time that was lost to loading, in [0, 1]."""
        return self.waited / self.seconds if self.seconds else 0.0

    def __sub__(self, other: Throughput) -> Throughput:
        return Throughput(
            self.images - other.images, self.seconds - other.seconds, self.waited - other.waited
        )


class ThroughputMeter:
    """Counts the seconds of a loop over batches, from the first batch on.

    The wait for the first batch, in which loading processes start, is the start's and not counted.
    """

    def __init__(self, images_per_batch: int) -> None:
        self.images_per_batch = images_per_batch
        self.batches = 0
        self.waited = 0.0
        self.began: float | None = None

    def watch(self, batches: Iterable[Item]) -> Iterator[Item]:
        """Hand on the batches."""
        iterator = iter(batches)
        while True:
            asked = time.perf_counter()
            try:
                batch = next(iterator)
            except StopIteration:
                return
            came = time.perf_counter()
            if self.began is None:
                self.began = came
            else:
                self.waited += came - asked
            self.batches += 1
            yield batch

    def count(self) -> Throughput:
        """Return the figures so far, as if the batch last handed out were done."""
        seconds = time.perf_counter() - self.began if self.began is not None else 0.0
        return Throughput(self.batches * self.images_per_batch, seconds, self.waited)
