"""Runs the jobs of `stylekernel stylize` with a progress bar, and reports their outcomes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from stylekernel_hf.cli.progress import step_progress
from stylekernel_hf.cli.stop_signals import raise_if_stopped, report_when_stopped

if TYPE_CHECKING:
    from stylekernel_hf.cli.bulk import Outcome
    from stylekernel_hf.cli.jobs import Job
    from stylekernel_hf.pipelines.runtime_pipeline import RuntimePipeline
    from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline


def make_pictures(
    pipe: StyleKernelPipeline | RuntimePipeline,
    jobs: Sequence[Job],
    output: str,
    **options: Any,
) -> bool:
    """Run the jobs with the options of `run_jobs`, and report their outcomes, even if stopped.

    Returns whether no job failed, and every content could be read to its end.
    """
    # The bar counts pictures, or the tiles of a single picture.
    pipe.set_progress_bar_config(disable=len(jobs) > 1, leave=False, delay=2)
    outcomes: list[Outcome] = []
    is_picture = len(jobs) == 1 and not jobs[0].is_clip
    make = _make_picture if is_picture else _make_with_bars
    try:
        make(pipe, jobs, outcomes, options)
    finally:
        _report(outcomes, output)
    return not any(outcome.error for outcome in outcomes)


def _make_picture(
    pipe: StyleKernelPipeline | RuntimePipeline,
    jobs: Sequence[Job],
    outcomes: list[Outcome],
    options: Mapping[str, Any],
) -> None:
    """Make a single picture, whose bar is the pipeline's, without the library of the others."""
    from stylekernel_hf.cli.bulk import run_jobs

    def note(outcome: Outcome) -> None:
        outcomes.append(outcome)
        raise_if_stopped()

    with report_when_stopped(lambda: f"{_count(outcomes)} of 1 pictures were written"):
        run_jobs(pipe, jobs, on_outcome=note, **options)


def _make_with_bars(
    pipe: StyleKernelPipeline | RuntimePipeline,
    jobs: Sequence[Job],
    outcomes: list[Outcome],
    options: Mapping[str, Any],
) -> None:
    """Make videos or several pictures under bars that count pictures and frames."""
    from rich.progress import TimeRemainingColumn

    from stylekernel_hf.cli.bulk import run_jobs
    from stylekernel_hf.cli.video_progress import VideoBar

    progress = step_progress(TimeRemainingColumn())
    bar = progress.add_task("stylizing", total=len(jobs), visible=len(jobs) > 1)
    frames = VideoBar(progress)

    def note(outcome: Outcome) -> None:
        outcomes.append(outcome)
        raise_if_stopped()
        frames.finish()
        progress.advance(bar)

    def kept() -> str:
        return f"{_count(outcomes)} of {len(jobs)} pictures were written{frames.kept()}"

    video: dict[str, Any] = {**options.get("video", {}), "on_frame": frames.show}
    others = {name: value for name, value in options.items() if name != "video"}
    with report_when_stopped(kept), progress:
        run_jobs(pipe, jobs, video=video, on_outcome=note, **others)


def tell_new_folder(output: str, jobs: Sequence[Job]) -> None:
    """Say that the output is made a folder although its name has a suffix."""
    suffix = Path(output).suffix
    is_new = not output.endswith(("/", os.sep)) and not os.path.lexists(output)
    if len(jobs) == 1 and suffix and is_new and jobs[0].output != Path(output):
        message = f"'{output}' becomes a folder, because {suffix} is not a suffix of pictures"
        typer.echo(f"stylekernel: {message}", err=True)


def _count(outcomes: Sequence[Outcome]) -> int:
    return sum(outcome.status == "written" for outcome in outcomes)


def _report(outcomes: Sequence[Outcome], output: str) -> None:
    written = [outcome for outcome in outcomes if outcome.status == "written"]
    skipped = sum(outcome.status == "skipped" for outcome in outcomes)
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if len(written) == 1:
        typer.echo(f"wrote {written[0].job.output}")
    elif written:
        typer.echo(f"wrote {len(written)} pictures to {output}")
    if skipped:
        typer.echo(f"skipped {skipped} that existed")
    for outcome in failed:
        typer.echo(f"stylekernel: failed: {outcome.job}: {outcome.error}", err=True)
    if any("exists already" in outcome.error for outcome in failed):
        typer.echo("stylekernel: use --overwrite or --skip-existing for existing files", err=True)
