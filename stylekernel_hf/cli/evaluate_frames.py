"""`stylekernel evaluate-frames`: temporal consistency of stylized frames."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from stylekernel_hf.cli.output_files import Overwrite, check_outputs, write_each
from stylekernel_hf.cli.progress import done_of, step_progress
from stylekernel_hf.cli.stop_signals import report_when_stopped

if TYPE_CHECKING:
    from PIL import Image

    from stylekernel_hf.metrics.temporal import FrameSource, Similarity, TemporalConsistency
    from stylekernel_hf.video.frame_stylizer import FrameStylizer

    Painters: TypeAlias = dict[str, Callable[[tuple[int, int]], FrameStylizer]]


def evaluate_frames(
    frames: Annotated[
        Path,
        typer.Argument(
            help="A video, or the folder of a clip's frames, in order by name; with --camera-path, "
            "a photo or a folder of photos."
        ),
    ],
    styles: Annotated[
        list[Path] | None,
        typer.Option("--style", help="A painting to stylize every frame with; repeatable."),
    ] = None,
    stylized: Annotated[
        list[Path] | None,
        typer.Option(help="Video or folder of frames that is stylized already; repeatable."),
    ] = None,
    camera_path: Annotated[
        bool,
        typer.Option(
            "--camera-path", help="Move a camera over each photo: the motion is known exactly."
        ),
    ] = False,
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
    measured on features. The first row is the clip itself. With --camera-path the clips are drawn
    from photos, 16 frames each, the motion is exact, and the figures are means over the photos.
    """
    if not styles and not stylized:
        raise ValueError("style or stylized must be given")
    if camera_path and stylized:
        raise ValueError("stylized must be left out with camera_path, got both")
    from stylekernel_hf.files.atomic_write import atomic_write
    from stylekernel_hf.images.folder import list_images

    paths = list_images(frames, name="frames") if frames.is_dir() else [frames]
    check_outputs({"json": json_file}, overwrite=overwrite, read=[*paths, *(styles or [])])
    measure = _similarity(perceptual) if perceptual else None
    painters = _painters(styles or [], models, strength, smoothing, device)
    if camera_path:
        result = _over_photos(paths, painters, measure)
    else:
        result = _of_clip(frames, stylized or [], fps, painters, measure)
    typer.echo(_table(result))
    text = json.dumps(result.to_json(), indent=2) + "\n"
    write_each({"json": json_file}, {"json": lambda path: atomic_write(path, text.encode())})


def _of_clip(
    frames: Path,
    stylized: list[Path],
    fps: float | None,
    painters: Painters,
    similarity: Similarity | None,
) -> TemporalConsistency:
    from stylekernel_hf.metrics.temporal import warping_errors
    from stylekernel_hf.video.frame_list import FrameList

    clip = FrameList(frames, name="frames", fps=fps)
    tracks = _stored_tracks(stylized, len(clip.times), fps)
    tracks |= _stylized_tracks(painters, clip.size, clip.times)
    with _progress(len(clip.times)) as advance:
        return warping_errors(clip.loaders(), tracks, similarity=similarity, on_frame=advance)


def _over_photos(
    photos: list[Path], painters: Painters, similarity: Similarity | None
) -> TemporalConsistency:
    from stylekernel_hf.images.loading import load_image
    from stylekernel_hf.metrics.camera_path import FRAME_COUNT, CameraPath
    from stylekernel_hf.metrics.temporal import mean_consistency, warping_errors

    clips: list[TemporalConsistency] = []
    with _progress(FRAME_COUNT * len(photos)) as advance:
        for number, photo in enumerate(photos):
            path = CameraPath(load_image(photo, name="frames"), number, name=f"'{photo}'")
            tracks = _stylized_tracks(painters, path.size, path.times)
            clips.append(
                warping_errors(
                    path.loaders(),
                    tracks,
                    motion=path.motion,
                    similarity=similarity,
                    on_frame=advance,
                )
            )
    return mean_consistency(clips)


@contextmanager
def _progress(total: int) -> Generator[Callable[[int, int], None]]:
    """Show a bar over all frames, and say when stopped that nothing is written."""
    with (
        step_progress() as progress,
        report_when_stopped(lambda: f"{done_of(progress)} frames were scored, nothing is written"),
    ):
        bar = progress.add_task("following", total=total)
        yield lambda _done, _total: progress.advance(bar)


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


def _painters(
    styles: list[Path],
    models: list[str] | None,
    strength: float,
    smoothing: float,
    device: str | None,
) -> Painters:
    """Return what makes the stylizer of a clip of a size, by the names of the rows."""
    if not styles:
        return {}
    from stylekernel_hf.cli.candidates import EMBEDDED, load_pipelines
    from stylekernel_hf.video.frame_stylizer import FrameOptions, FrameStylizer
    from stylekernel_hf.video.option_checks import check_smoothing

    painters: Painters = {}
    ways = {"": check_smoothing(smoothing), ", each frame alone": 0.0}
    for name, pipe in load_pipelines(models or [EMBEDDED], device).items():
        options = FrameOptions(strength).checked(pipe.model)
        for style in styles:
            encoded = pipe.encode_style(style)
            for way, half_life in ways.items():
                painters[f"{name}, {style}{way}"] = partial(
                    FrameStylizer, pipe, encoded, options=options, smoothing=half_life
                )
    return painters


def _stylized_tracks(
    painters: Painters, size: tuple[int, int], times: list[Fraction]
) -> dict[str, FrameSource]:
    return {name: partial(_stylized, make(size), times) for name, make in painters.items()}


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
