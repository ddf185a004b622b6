"""Work that reports progress to the page, and ends when time is up or nobody waits."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import IO, Any

import gradio as gr
from gradio.context import LocalContext
from torch.overrides import TorchFunctionMode

from demo.messages import AbandonedError, VisitorError
from demo.precedence import Pauses, precedence
from stylekernel_hf import StyleKernelPipeline

Report = Callable[[float, str], object]
"""Takes the share that is done, in [0, 1], and what is being done."""

is_wanted: ContextVar[Callable[[], bool]] = ContextVar("is_wanted")
"""Says, at any moment and on any thread, whether somebody waits for the work of this context."""


_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


def check_request() -> None:
    """Raise AbandonedError if nobody waits for this any more, VisitorError once time is up."""
    _check_wanted()
    if (watch := _watch.get()) is not None:
        watch.give_way()
        watch.check_time()


def _check_wanted() -> None:
    if not is_wanted.get(_always)():
        raise AbandonedError("Nobody waits for this any more.")


def tell(note: str | None) -> None:
    """Show the visitor a note, if there is one, while the work goes on."""
    if note and LocalContext.event_id.get(None) is not None:
        gr.Info(note)


def _always() -> bool:
    return True


@dataclass
class Watch:
    """One request: its report, and when it must have ended (of `time.monotonic`).

    A large one has pauses: it rests while small ones are done, and is not charged for that.
    """

    report: Report
    seconds: float
    pauses: Pauses | None = None
    remedy: str = "a smaller picture"
    label: str = "Stylizing"
    start: float = 0.0
    span: float = 1.0

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.seconds

    def part(self, label: str, start: float, span: float) -> None:
        """Begin a part of the work, with its share of the whole."""
        self.label, self.start, self.span = label, start, span
        self.step(0.0)

    def step(self, share: float) -> None:
        """Report progress within the part; raises what `check_request` raises."""
        check_request()
        self.report(self.start + self.span * share, self.label)

    def give_way(self) -> None:
        """Pause, if this is large, while small requests are worked on."""
        if self.pauses is not None:
            self.deadline += self.pauses.give_way(_check_wanted)

    def check_time(self) -> None:
        """Raise VisitorError once time is up."""
        if time.monotonic() > self.deadline:
            raise VisitorError(
                f"This took more than {self.seconds:.0f} seconds, the limit here. "
                f"Please take {self.remedy}."
            )


@contextlib.contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Within it, WatchedPipelines tell `watch` about their steps.

    Every operation of torch is preceded by a check: between two steps there can be seconds.
    """
    token = _watch.set(watch)
    try:
        with contextlib.ExitStack() as stack:
            if watch.pauses is None:
                stack.enter_context(precedence.small())
            stack.enter_context(_CheckedOperations())
            yield
    finally:
        _watch.reset(token)


class _CheckedOperations(TorchFunctionMode):
    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        check_request()
        return func(*args, **(kwargs or {}))


class WatchedFile:
    """A file to write to that checks before every write: a large PNG takes seconds."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, data: Any) -> int:
        """Write, unless time is up or nobody waits any more."""
        check_request()
        return self._file.write(data)


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
