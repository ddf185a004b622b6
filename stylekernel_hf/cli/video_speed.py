"""`stylekernel benchmark --video`: the speed of videos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from stylekernel_hf.cli.output_files import write_each
from stylekernel_hf.cli.progress import done_of, step_progress
from stylekernel_hf.cli.stop_signals import report_when_stopped

_SIZES = (512, 720)
_HEADINGS = ("device", "dtype", "side, px", "network, frames/s", "file to file, frames/s", "share")


def measure_video_speed(
    sizes: Sequence[int] | None,
    frames: int,
    model: Path | None,
    devices: Sequence[str],
    dtypes: Sequence[str],
    json_file: Path | None,
) -> None:
    """Measure and print how fast videos are stylized here, with the defaults of `stylize`."""
    import torch

    from stylekernel_hf.benchmark.runner import describe_machine
    from stylekernel_hf.benchmark.video_speed import VideoSpeed, measure_videos, write_video_json
    from stylekernel_hf.metrics.tables import markdown_table
    from stylekernel_hf.pipelines.tasks import pipeline

    sizes = sizes or _SIZES
    speeds: list[VideoSpeed] = []
    with (
        step_progress() as progress,
        report_when_stopped(lambda: f"{done_of(progress)} measurements done, nothing is written"),
    ):
        total = 2 * len(sizes) * len(devices) * len(dtypes)
        bar = progress.add_task("measuring", total=total)
        for device in devices:
            for dtype in dtypes:
                pipe = pipeline(
                    "style-kernel", model=model, device=device, dtype=getattr(torch, dtype)
                )
                speeds += measure_videos(pipe, sizes, frames, lambda: progress.advance(bar))
    rows = [
        [
            speed.device,
            speed.dtype,
            str(speed.size),
            f"{speed.network:.2f}",
            f"{speed.file_to_file:.2f}",
            f"{speed.share:.0%}",
        ]
        for speed in speeds
    ]
    typer.echo(markdown_table(_HEADINGS, rows))
    write_each(
        {"json": json_file},
        {"json": lambda path: write_video_json(speeds, describe_machine(), path)},
    )
