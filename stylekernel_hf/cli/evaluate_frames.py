"""`stylekernel evaluate-frames`: temporal consistency of stylized frames."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stylekernel_hf.cli.camera_frames import camera_paths, write_camera_frames
from stylekernel_hf.cli.frame_tracks import load_painters, stored_tracks, stylized_tracks
from stylekernel_hf.cli.output_files import Overwrite, check_outputs, write_each
from stylekernel_hf.cli.progress import done_of, step_progress
from stylekernel_hf.cli.stop_signals import report_when_stopped

if TYPE_CHECKING:
    from stylekernel_hf.cli.frame_tracks import Painters
    from stylekernel_hf.metrics.temporal import Similarity, TemporalConsistency


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
        typer.Option(
            help="Video or folder of frames that is stylized already; with --camera-path, a folder "
            "with a folder for every photo, as --write-frames makes it; repeatable."
        ),
    ] = None,
    camera_path: Annotated[
        bool,
        typer.Option(
            "--camera-path", help="Move a camera over each photo: the motion is known exactly."
        ),
    ] = False,
    write_frames: Annotated[
        Path | None,
        typer.Option(
            help="With --camera-path: write the frames to this folder, for other programs."
        ),
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
    measured on features. The first row is the clip itself. With --camera-path the clips are drawn
    from photos, 16 frames each, the motion is exact, and the figures are means over the photos.
    With --write-frames and no --style or --stylized, nothing is scored.
    """
    if not styles and not stylized and not write_frames:
        raise ValueError("style or stylized must be given")
    if write_frames and not camera_path:
        raise ValueError("write_frames must be left out without camera_path")
    from stylekernel_hf.files.atomic_write import atomic_write
    from stylekernel_hf.images.folder import list_images

    paths = list_images(frames, name="frames") if frames.is_dir() else [frames]
    check_outputs({"json": json_file}, overwrite=overwrite, read=[*paths, *(styles or [])])
    if write_frames:
        write_camera_frames(paths, write_frames, overwrite=overwrite)
        if not styles and not stylized:
            return
    measure = _similarity(perceptual) if perceptual else None
    painters = load_painters(styles or [], models, strength, smoothing, device)
    if camera_path:
        result = _over_photos(paths, stylized or [], painters, measure)
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
    tracks = stored_tracks({str(path): path for path in stylized}, len(clip.times), fps)
    tracks |= stylized_tracks(painters, clip.size, clip.times)
    with _progress(len(clip.times)) as advance:
        return warping_errors(clip.loaders(), tracks, similarity=similarity, on_frame=advance)


def _over_photos(
    photos: list[Path], stylized: list[Path], painters: Painters, similarity: Similarity | None
) -> TemporalConsistency:
    from stylekernel_hf.metrics.camera_path import FRAME_COUNT
    from stylekernel_hf.metrics.temporal import mean_consistency, warping_errors

    clips: list[TemporalConsistency] = []
    stored = [
        stored_tracks({str(folder): folder / photo.stem for folder in stylized}, FRAME_COUNT)
        for photo in photos
    ]
    with _progress(FRAME_COUNT * len(photos)) as advance:
        for tracks, path in zip(stored, camera_paths(photos), strict=True):
            tracks |= stylized_tracks(painters, path.size, path.times)
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
