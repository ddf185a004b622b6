"""The pipeline with someone watching: progress for the page, and an end when time is up."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from demo.messages import VisitorError
from stylekernel_hf import StyleKernelPipeline

Report = Callable[[float, str], object]
"""Takes the share that is done, in [0, 1], and what is being done."""


@dataclass
class Watch:
    """One request: its report, and when it must have ended (of `time.monotonic`)."""

    report: Report
    seconds: float
    label: str = "Painting"
    start: float = 0.0
    span: float = 1.0

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.seconds

    def part(self, label: str, start: float, span: float) -> None:
        """Say that what comes now is this part of the whole."""
        self.label, self.start, self.span = label, start, span
        self.step(0.0)

    def step(self, share: float) -> None:
        """Report progress within the part; VisitorError once time is up."""
        if time.monotonic() > self.deadline:
            raise VisitorError(
                f"This took more than {self.seconds:.0f} seconds, the limit here. "
                "Please take a smaller picture."
            )
        self.report(self.start + self.span * share, self.label)


_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextlib.contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Within it, WatchedPipelines tell `watch` about their steps."""
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)


class _Bar:
    """As much of tqdm's bar as the pipeline uses."""

    def __init__(self, total: int) -> None:
        self.n, self.total = 0, total

    def __enter__(self) -> _Bar:
        self.update(0)
        return self

    def __exit__(self, *_: object) -> None: ...

    def update(self, steps: int = 1) -> None:
        """Count steps, and report them."""
        self.n += steps
        if (watch := _watch.get()) is not None:
            watch.step(self.n / max(self.total, 1))


class WatchedPipeline(StyleKernelPipeline):
    """StyleKernelPipeline whose progress goes to the watch of the request that runs it."""

    def progress_bar(self, iterable: object = None, total: int | None = None) -> _Bar:
        """Return a bar that reports to the watch of this context."""
        return _Bar(total or 0)
