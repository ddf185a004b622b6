"""`stylekernel evaluate-frames`: temporal consistency of stylized frames."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stylekernel_hf.cli.output_files import Overwrite, check_outputs, write_each
from stylekernel_hf.cli.progress import done_of, step_progress
from stylekernel_hf.cli.stop_signals import report_when_stopped

if TYPE_CHECKING:
    from PIL import Image

    from stylekernel_hf.metrics.temporal import FrameSource, TemporalConsistency
    from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline


def evaluate_frames(
    frames: Annotated[Path, typer.Argument(help="Folder of a clip's frames, in order by name.")],
    styles: Annotated[
        list[Path] | None,
        typer.Option("--style", help="A painting to stylize every frame with; repeatable."),
    ] = None,
    stylized: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of frames that are stylized already; repeatable."),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model", help="A checkpoint folder or Hub id, or 'embedded' (default); repeatable."
        ),
    ] = None,
    strength: Annotated[float, typer.Option(help="From 0, the photo, to 1, the full style.")] = 1.0,
    device: Annotated[str | None, typer.Option(help="By default the best there is.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the results to this JSON file.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Score temporal consistency: the warping error of stylized frames, lower is steadier.

    Frames are stylized one by one with each --style, or read from --stylized. OpenCV's optical flow
    measures the motion of the original frames; pixels that are hidden in one of two successive
    frames do not count. The error of the original frames is printed for comparison.
    """
    if not styles and not stylized:
        raise ValueError("style or stylized must be given")
    from stylekernel_hf.files.atomic_write import atomic_write
    from stylekernel_hf.images.folder import list_images
    from stylekernel_hf.images.tensors import load_rgb
    from stylekernel_hf.metrics.temporal import warping_errors

    paths = list_images(frames, name="frames")
    check_outputs({"json": json_file}, overwrite=overwrite, read=[*paths, *(styles or [])])
    loaders = [partial(load_rgb, path, name="frames") for path in paths]
    tracks = _stored_tracks(stylized or [], len(paths))
    if styles:
        tracks |= _stylized_tracks(styles, models, strength, device)
    with (
        step_progress() as progress,
        report_when_stopped(lambda: f"{done_of(progress)} frames were scored, nothing is written"),
    ):
        bar = progress.add_task("following", total=len(paths))
        result = warping_errors(
            loaders, tracks, on_frame=lambda done, _: progress.update(bar, completed=done)
        )
    typer.echo(_table(result))
    text = json.dumps(result.to_json(), indent=2) + "\n"
    write_each({"json": json_file}, {"json": lambda path: atomic_write(path, text.encode())})


def _stored_tracks(folders: list[Path], count: int) -> dict[str, FrameSource]:
    from stylekernel_hf.images.folder import list_images

    tracks: dict[str, FrameSource] = {}
    for folder in folders:
        paths = list_images(folder, name="stylized")
        if len(paths) != count:
            raise ValueError(
                f"stylized must be as many frames as the originals, {count}, got {len(paths)} in "
                f"'{folder}'"
            )
        tracks[str(folder)] = partial(_stored, paths)
    return tracks


def _stored(paths: list[Path], place: int, _: Image.Image) -> Image.Image:
    from stylekernel_hf.images.tensors import load_rgb

    return load_rgb(paths[place], name="stylized")


def _stylized_tracks(
    styles: list[Path], models: list[str] | None, strength: float, device: str | None
) -> dict[str, FrameSource]:
    from stylekernel_hf.cli.candidates import EMBEDDED, load_pipelines

    tracks: dict[str, FrameSource] = {}
    for name, pipe in load_pipelines(models or [EMBEDDED], device).items():
        for style in styles:
            track = partial(_stylized, pipe, pipe.encode_style(style), strength)
            tracks[f"{name}, {style}"] = track
    return tracks


def _stylized(
    pipe: StyleKernelPipeline, style: Any, strength: float, _: int, frame: Image.Image
) -> Image.Image:
    return pipe(frame, style, strength=strength).images[0]


def _table(result: TemporalConsistency) -> str:
    from stylekernel_hf.metrics.tables import markdown_table

    title = f"{result.frame_count} frames, {result.visible:.0%} visible"
    rows = [[name, f"{error:.6f}"] for name, error in result.warping_errors.items()]
    return markdown_table([title, "warping error"], rows)
