"""`stylekernel evaluate-frames`: temporal consistency of stylized frames."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stylekernel_hf.cli.output_files import Overwrite, check_outputs, write_each
from stylekernel_hf.cli.progress import done_of, step_progress
from stylekernel_hf.cli.stop_signals import report_when_stopped

if TYPE_CHECKING:
    from PIL import Image

    from stylekernel_hf.metrics.temporal import FrameSource, Similarity, TemporalConsistency
    from stylekernel_hf.video.frame_list import FrameList
    from stylekernel_hf.video.frame_stylizer import FrameStylizer


def evaluate_frames(
    frames: Annotated[
        Path, typer.Argument(help="A video, or the folder of a clip's frames, in order by name.")
    ],
    styles: Annotated[
        list[Path] | None,
        typer.Option("--style", help="A painting to stylize every frame with; repeatable."),
    ] = None,
    stylized: Annotated[
        list[Path] | None,
        typer.Option(help="Video or folder of frames that is stylized already; repeatable."),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model", help="A checkpoint folder or Hub id, or 'embedded' (default); repeatable."
        ),
    ] = None,
    strength: Annotated[float, typer.Option(help="From 0, the photo, to 1, the full style.")] = 1.0,
    smoothing: Annotated[
        float,
        typer.Option(help="Half-life in seconds of the statistics of the frames, as for videos."),
    ] = 0.5,
    fps: Annotated[
        float | None, typer.Option(help="Frames a second of a folder; 25 by default.")
    ] = None,
    perceptual: Annotated[
        Path | None,
        typer.Option(
            help="Safetensors file of VGG-19 or its 16x student, for the perceptual change."
        ),
    ] = None,
    device: Annotated[str | None, typer.Option(help="By default the best there is.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the results to this JSON file.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Score temporal consistency: what changes between stylized frames beside the motion.

    Frames are stylized with each --style, as a video with --smoothing and each frame alone, or read
    from --stylized. OpenCV's optical flow measures the motion of the original frames; pixels that
    are hidden in one of two frames do not count. The warping error and the RMSE compare
    neighbours, and frames that are 10 apart; lower is steadier. With --perceptual the same is
    measured on features. The first row is the clip itself.
    """
    if not styles and not stylized:
        raise ValueError("style or stylized must be given")
    from stylekernel_hf.files.atomic_write import atomic_write
    from stylekernel_hf.images.folder import list_images
    from stylekernel_hf.metrics.temporal import warping_errors
    from stylekernel_hf.video.frame_list import FrameList

    paths = list_images(frames, name="frames") if frames.is_dir() else [frames]
    check_outputs({"json": json_file}, overwrite=overwrite, read=[*paths, *(styles or [])])
    clip = FrameList(frames, name="frames", fps=fps)
    tracks = _stored_tracks(stylized or [], len(clip.times), fps)
    if styles:
        tracks |= _stylized_tracks(clip, styles, models, strength, smoothing, device)
    with (
        step_progress() as progress,
        report_when_stopped(lambda: f"{done_of(progress)} frames were scored, nothing is written"),
    ):
        bar = progress.add_task("following", total=len(clip.times))
        result = warping_errors(
            clip.loaders(),
            tracks,
            similarity=None if perceptual is None else _similarity(perceptual),
            on_frame=lambda done, _: progress.update(bar, completed=done),
        )
    typer.echo(_table(result))
    text = json.dumps(result.to_json(), indent=2) + "\n"
    write_each({"json": json_file}, {"json": lambda path: atomic_write(path, text.encode())})


def _stored_tracks(paths: list[Path], count: int, fps: float | None) -> dict[str, FrameSource]:
    from stylekernel_hf.video.frame_list import FrameList

    tracks: dict[str, FrameSource] = {}
    for path in paths:
        stored = FrameList(path, name="stylized", fps=fps)
        if len(stored.times) != count:
            raise ValueError(
                f"stylized must be as many frames as the originals, {count}, got "
                f"{len(stored.times)} in '{path}'"
            )
        tracks[str(path)] = partial(_stored, stored.loaders())
    return tracks


def _stored(loaders: list[Callable[[], Image.Image]], place: int, _: Image.Image) -> Image.Image:
    return loaders[place]()


def _stylized_tracks(
    clip: FrameList,
    styles: list[Path],
    models: list[str] | None,
    strength: float,
    smoothing: float,
    device: str | None,
) -> dict[str, FrameSource]:
    from stylekernel_hf.cli.candidates import EMBEDDED, load_pipelines
    from stylekernel_hf.video.frame_stylizer import FrameOptions, FrameStylizer
    from stylekernel_hf.video.option_checks import check_smoothing

    tracks: dict[str, FrameSource] = {}
    ways = {"": check_smoothing(smoothing), ", each frame alone": 0.0}
    for name, pipe in load_pipelines(models or [EMBEDDED], device).items():
        options = FrameOptions(strength).checked(pipe.model)
        for style in styles:
            encoded = pipe.encode_style(style)
            for way, half_life in ways.items():
                stylizer = FrameStylizer(pipe, encoded, clip.size, options, half_life)
                tracks[f"{name}, {style}{way}"] = partial(_stylized, stylizer, clip.times)
    return tracks


def _stylized(
    stylizer: FrameStylizer, times: list[Fraction], place: int, frame: Image.Image
) -> Image.Image:
    import torch

    from stylekernel_hf.images.tensors import from_rgb_tensor, to_rgb_tensor

    rgb = to_rgb_tensor(frame, name="frames", keep_bytes=True)[0]
    with torch.inference_mode():
        return from_rgb_tensor(stylizer.stylize(rgb, times[place]), output_type="pil")


def _similarity(perceptual: Path) -> Similarity:
    import torch

    from stylekernel_hf.metrics.feature_distance import feature_distance
    from stylekernel_hf.metrics.perceptual import load_perceptual_network

    network = load_perceptual_network(perceptual)

    def compare(one: Any, other: Any) -> float:
        pictures = (torch.from_numpy(each).permute(2, 0, 1)[None] for each in (one, other))
        return feature_distance(network, *pictures)

    return compare


def _table(result: TemporalConsistency) -> str:
    from stylekernel_hf.metrics.tables import markdown_table

    distances = list(next(iter(result.changes.values())))
    every = [change for changes in result.changes.values() for change in changes.values()]
    has_features = every[0].perceptual is not None
    headings = [f"{result.frame_count} frames, {result.visible:.0%} visible", "warping error"]
    headings += [f"RMSE, {distance} apart" for distance in distances]
    headings += [f"features, {distance} apart" for distance in distances if has_features]
    rows: list[list[str]] = []
    for name, error in result.warping_errors.items():
        changes = result.changes[name].values()
        features = [each.perceptual for each in changes if each.perceptual is not None]
        numbers = [each.rmse for each in changes] + features
        rows.append([name, f"{error:.6f}", *(f"{number:.4f}" for number in numbers)])
    return markdown_table(headings, rows)
