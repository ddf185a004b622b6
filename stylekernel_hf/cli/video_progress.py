"""The progress bar of a video: frames, frames a second, and the time that is left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from stylekernel_hf.cli.stop_signals import raise_if_stopped

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from stylekernel_hf.video.stylizing import VideoProgress


class VideoBar:
    """A bar for the frames of the video that is being made, if one is."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._last: VideoProgress | None = None
        self._began = (0.0, 0)

    def show(self, told: VideoProgress) -> None:
        """Show how far the video has come."""
        raise_if_stopped()
        now = time.monotonic()
        if self._task is None:
            self._task = self._progress.add_task("frames", total=told.total)
            self._began = (now, told.done)
        if self._last is None or told.done <= told.kept:
            # Frames that an earlier run has made are skipped in no time.
            self._began = (now, told.done)
        self._last = told
        began, first = self._began
        speed = (told.done - first) / (now - began) if now > began else 0.0
        description = f"{speed:.1f} frames/s" if speed else "frames"
        total = None if told.total is None else max(told.total, told.done)
        self._progress.update(self._task, completed=told.done, total=total, description=description)

    def finish(self) -> None:
        """Take the bar away after the video."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._last = None

    def kept(self) -> str:
        """Say what an ended command leaves of its video, as the end of a sentence."""
        last = self._last
        if last is None or not last.kept:
            return ""
        total = "" if last.total is None else f" of {max(last.total, last.done)}"
        return f"; {last.kept}{total} frames are in '{last.folder}', the same command continues"
