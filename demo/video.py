"""A visitor's clip, stylized frame by frame."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import gradio as gr

from demo.clips import write_plainly
from demo.handlers import LOOK, MIXTURE, result_name
from demo.messages import VisitorError
from demo.order import Order, takes_order
from demo.pictures import new_file
from demo.studio import Studio
from demo.uploads import read_file
from demo.watched import Watch, check_request, tell
from stylekernel_hf import VideoProgress, stylize_video

_READING = 0.05
"""Share of the work that reading the clip is, roughly."""


class VideoHandlers:
    """Stylize one clip, with its sound."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @takes_order(*MIXTURE, *LOOK, "model")
    def stylize_video(
        self,
        clip: str | None,
        order: Order,
        progress: Any = gr.Progress(),  # noqa: B008
    ) -> str:
        """Stylize a short clip in the style of one or more paintings, and keep its sound.

        Args:
            clip: The clip, a video file.
            order: The controls, each by its own name.

        Returns:
            An MP4 file.
        """
        limits = self._studio.limits
        if clip is None:
            raise VisitorError("Choose or drop a clip first.")
        name = f"“{Path(clip).name}”"
        with self._studio.watch(
            progress, large=True, seconds=limits.video_work_seconds, remedy="a shorter clip"
        ) as watch:
            watch.part("Reading the clip", 0, 0)
            data = read_file(clip, name, limits.video_bytes)
            palette = self._studio.mix(order)
            result = new_file(f"{result_name(clip, palette.names)}.mp4")
            plain = result.with_name("plain.mp4")
            try:
                read = write_plainly(data, name, plain, limits, check_request)
                if read.damaged:
                    tell(f"{name} is damaged: parts of it could not be read.")
                watch.part(f"Stylizing {read.frames} frames", _READING, 1 - _READING)
                stylize_video(
                    self._studio.models.get(order.model),
                    plain,
                    palette.styles,
                    result,
                    style_weights=palette.weights,
                    strength=order.checked("strength"),
                    color=order.checked("color"),
                    stroke_scale=order.checked("stroke_scale"),
                    on_frame=_Report(watch, read.frames).step,
                )
            except BaseException:
                shutil.rmtree(result.parent, ignore_errors=True)
                raise
            plain.unlink()
            return str(result)


class _Report:
    """Tells the visitor which frame is done, and how long the rest will take."""

    def __init__(self, watch: Watch, frames: int) -> None:
        self._watch, self._frames = watch, frames
        self._begun = time.monotonic()

    def step(self, progress: VideoProgress) -> None:
        """Report a frame; it ends work that nobody waits for."""
        done = min(progress.done, self._frames)
        left = (time.monotonic() - self._begun) / done * (self._frames - done)
        self._watch.label = f"Frame {done} of {self._frames}, {_clock(left)} left"
        self._watch.step(done / self._frames)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02} min" if whole >= 60 else f"{whole} s"
