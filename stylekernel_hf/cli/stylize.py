"""`stylekernel stylize`: photos, or folders of them, in the style of paintings."""

from __future__ import annotations

import contextlib
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stylekernel_hf.cli.batch import make_pictures, tell_new_folder
from stylekernel_hf.cli.output_files import Overwrite, check_new
from stylekernel_hf.cli.quick_imports import quick_imports

if TYPE_CHECKING:
    from stylekernel_hf.cli.jobs import Job
    from stylekernel_hf.pipelines.runtime_pipeline import RuntimePipeline
    from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline


_SMOOTHING, _QUALITY = 0.5, 80
_VIDEOS = "Videos"


class Precision(str, Enum):
    """The precision in which the network computes."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


class RuntimeName(str, Enum):
    """What executes the network."""

    torch = "torch"
    auto = "auto"
    onnx = "onnx"
    openvino = "openvino"


class Color(str, Enum):
    """The colours of the results."""

    style = "style"
    luminance = "luminance"
    statistics = "statistics"
    transfer = "transfer"


def stylize(
    content: Annotated[
        str, typer.Argument(help="A photo or video, a folder of them, or a quoted glob.")
    ],
    style: Annotated[
        str,
        typer.Argument(
            help="A painting, a folder of paintings, a quoted glob, or a .safetensors file of "
            "encoded styles."
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="The picture to write, or the folder for pictures: an existing folder, or a name "
            "that ends in a slash or without the suffix of a picture.",
        ),
    ],
    more_contents: Annotated[
        list[str] | None, typer.Option("--content", "-c", help="Another content; repeatable.")
    ] = None,
    more_styles: Annotated[
        list[str] | None, typer.Option("--style", "-s", help="Another style; repeatable.")
    ] = None,
    strength: Annotated[
        float, typer.Option(help="From 0, the photo itself, to 1, the full style.")
    ] = 1.0,
    strength_map: Annotated[
        Path | None,
        typer.Option(help="An image instead of a number (or a video): white for the full style."),
    ] = None,
    style_weight: Annotated[
        list[float] | None,
        typer.Option(
            help="One number for each style, in their order: all styles are mixed in these "
            "proportions, in one picture per content."
        ),
    ] = None,
    mask: Annotated[
        list[Path] | None,
        typer.Option(
            help="One image for each style, in their order: each style goes where its mask is "
            "white, in one picture per content. For a video, masks may be videos."
        ),
    ] = None,
    color: Annotated[
        Color,
        typer.Option(
            help="style: the painting's colours. luminance, statistics: the photo's colours, kept "
            "in two ways. transfer: only the painting's colours, without the network."
        ),
    ] = Color.style,
    stroke_scale: Annotated[
        float,
        typer.Option(
            help="Width of strokes relative to the frame, 0.5 to 4; 1 for that of a small photo, "
            "whatever the photo's size."
        ),
    ] = 1.0,
    style_size: Annotated[
        int,
        typer.Option(help="Short side in px to which paintings are scaled; 0 keeps their size."),
    ] = 512,
    tile_size: Annotated[
        int | None,
        typer.Option(help="Side in px of the tiles of larger photos; by default chosen by memory."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="A checkpoint folder, a Hub id or the file of an adapter, instead of the embedded "
            "weights."
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cuda, mps or cpu; by default the best there is.")
    ] = None,
    dtype: Annotated[Precision, typer.Option(help="Precision.")] = Precision.float32,
    runtime: Annotated[
        RuntimeName,
        typer.Option(
            help="torch; or onnx or openvino, without importing torch, for pictures on the CPU "
            "(the extras onnx and openvino); openvino also in bfloat16; auto takes the fastest "
            "here."
        ),
    ] = RuntimeName.torch,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Also draw a sheet of all results: styles across, contents down."),
    ] = None,
    no_metadata: Annotated[
        bool,
        typer.Option(
            "--no-metadata",
            help="Leave date, camera, description and location of the photo out of the result.",
        ),
    ] = False,
    frames: Annotated[
        bool,
        typer.Option(
            "--frames",
            help="A folder of contents is one video, its pictures are the frames, in order by "
            "name; and an --output that is a folder gets frames, too.",
            rich_help_panel=_VIDEOS,
        ),
    ] = False,
    smoothing: Annotated[
        float,
        typer.Option(
            help="Half-life in seconds of the statistics of the frames; with 0 every frame is "
            "stylized by itself, and colours may pulse.",
            rich_help_panel=_VIDEOS,
        ),
    ] = _SMOOTHING,
    start: Annotated[
        float, typer.Option(help="Begin so many seconds into the video.", rich_help_panel=_VIDEOS)
    ] = 0.0,
    end: Annotated[
        float | None,
        typer.Option(help="End so many seconds into the video.", rich_help_panel=_VIDEOS),
    ] = None,
    max_side: Annotated[
        int | None,
        typer.Option(help="Longest side in px of the frames.", rich_help_panel=_VIDEOS),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            help="Frames a second; by default at the video's own times, 25 for a folder of frames.",
            rich_help_panel=_VIDEOS,
        ),
    ] = None,
    codec: Annotated[
        str | None,
        typer.Option(
            help="h264 or hevc (.mp4, .mov, .mkv) or vp9 (.mp4, .mkv, .webm).",
            rich_help_panel=_VIDEOS,
        ),
    ] = None,
    quality: Annotated[
        int, typer.Option(help="From 1 to 100, the finest.", rich_help_panel=_VIDEOS)
    ] = _QUALITY,
    overwrite: Overwrite = False,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Leave existing files as they are.")
    ] = False,
) -> None:
    """Stylize every CONTENT in every STYLE, or in all styles with --style-weight or --mask.

    One result goes to the file --output. Several results go to the folder --output, as
    CONTENT_STYLE.png, with longer names where two would be the same. Photos of more than 50
    megapixels are stylized strip by strip if libvips is installed (the extra "large"). Videos keep
    their sound, and animated GIF, WebP and PNG files move; they need PyAV (the extra "video"). If
    some pictures fail, the others are made, and the command lists the failures and ends with code
    1.
    """
    weights, masks, is_mixed = style_weight or None, mask or None, bool(style_weight or mask)
    _check_exclusions(overwrite, skip_existing, strength, strength_map, sheet, is_mixed)
    if runtime in (RuntimeName.onnx, RuntimeName.openvino):
        _check_runtime(runtime, device)
    with quick_imports():
        # The functions below import what they take of these.
        import_module("stylekernel_hf.cli.bulk")
        import_module("stylekernel_hf.pipelines.tasks")
    # 1. Check everything that can be checked before the work.
    _check_numbers(strength, stroke_scale, style_size)
    contents, styles = [content, *(more_contents or [])], [style, *(more_styles or [])]
    jobs = _plan(contents, styles, output, weights, masks, frames)
    _check_files(jobs, masks or [], strength_map, sheet, may_exist=overwrite or skip_existing)
    video = {
        "smoothing": smoothing,
        "start": start,
        "end": end,
        "max_side": max_side,
        "fps": fps,
        "codec": codec,
        "quality": quality,
    }
    _check_used(video, jobs)
    tell_new_folder(output, jobs)
    if runtime == RuntimeName.auto:
        runtime = _fastest(jobs, device, dtype)
    if runtime == RuntimeName.torch:
        with quick_imports():
            import_module("stylekernel_hf.large.file_stylization")
        pipe = _load(model, device, dtype, tile_size)
    else:
        with quick_imports():
            pipe = _load_runtime(model, runtime, dtype, jobs, tile_size)
    # 2. Make the pictures.
    complete = make_pictures(
        pipe,
        jobs,
        output,
        strength=strength if strength_map is None else strength_map,
        style_weights=weights,
        masks=masks,
        color=color.value,
        stroke_scale=stroke_scale,
        style_size=style_size or None,
        tile_size=tile_size,
        metadata=not no_metadata,
        video=video,
        existing="overwrite" if overwrite else "skip" if skip_existing else "refuse",
    )
    # 3. Draw the sheet of them.
    if sheet is not None:
        complete = _draw_sheet(sheet, jobs, skip_existing=skip_existing) and complete
    if not complete:
        raise typer.Exit(1)


def _check_exclusions(
    overwrite: bool,
    skip_existing: bool,
    strength: float,
    strength_map: Path | None,
    sheet: Path | None,
    is_mixed: bool,
) -> None:
    if overwrite and skip_existing:
        raise typer.BadParameter("--overwrite and --skip-existing exclude each other")
    if strength_map is not None and strength != 1:
        raise typer.BadParameter("--strength and --strength-map exclude each other")
    if sheet is not None and is_mixed:
        raise typer.BadParameter(
            "--sheet shows single styles and excludes --style-weight and --mask"
        )


def _check_used(video: dict[str, Any], jobs: list[Job]) -> None:
    """Refuse options of videos where none is stylized: they would do nothing."""
    usual = {"smoothing": _SMOOTHING, "start": 0.0, "quality": _QUALITY}
    given = [name for name, value in video.items() if value != usual.get(name)]
    if given and not any(job.is_clip for job in jobs):
        option = "--" + given[0].replace("_", "-")
        raise typer.BadParameter(f"{option} is for videos, and no content is one")


def _check_numbers(strength: float, stroke_scale: float, style_size: int) -> None:
    from stylekernel_hf.pipelines.call_checks import (
        check_strength,
        check_stroke_scale,
        check_style_size,
    )

    check_strength(strength)
    check_stroke_scale(stroke_scale)
    check_style_size(style_size or None)


def _plan(
    contents: list[str],
    styles: list[str],
    output: str,
    weights: list[float] | None,
    masks: list[Path] | None,
    frames: bool,
) -> list[Job]:
    from stylekernel_hf.cli.jobs import find_images, plan_jobs, plan_mixtures
    from stylekernel_hf.cli.style_sources import expand_styles
    from stylekernel_hf.pipelines.call_checks import check_combination

    content_paths = find_images(contents, name="content", frames=frames)
    sources = expand_styles(find_images(styles, name="style"))
    if weights is None and masks is None:
        return plan_jobs(content_paths, sources, output, frames=frames)
    check_combination(len(sources), len(content_paths), weights, masks)
    return plan_mixtures(content_paths, sources, output, frames=frames)


def _check_files(
    jobs: list[Job],
    masks: list[Path],
    strength_map: Path | None,
    sheet: Path | None,
    *,
    may_exist: bool,
) -> None:
    """Raise an error for what cannot be read, or must not be written."""
    from stylekernel_hf.cli.jobs import check_jobs

    maps = _check_maps(masks, strength_map)
    check_jobs(jobs, others=maps)
    if sheet is None:
        return
    if any(job.is_clip for job in jobs):
        raise typer.BadParameter("--sheet shows pictures, not videos")
    _check_sheet(sheet, jobs, maps, may_exist=may_exist)


def _load(
    model: str | None, device: str | None, dtype: Precision, tile_size: int | None
) -> StyleKernelPipeline:
    import torch

    from stylekernel_hf.devices.processors import share_processors
    from stylekernel_hf.pipelines.tasks import pipeline
    from stylekernel_hf.tiling.tile_side import check_tile_size

    share_processors()
    pipe = pipeline("style-kernel", model=model, device=device, dtype=getattr(torch, dtype.value))
    check_tile_size(tile_size, pipe.model.stride)
    return pipe


def _fastest(jobs: list[Job], device: str | None, dtype: Precision) -> RuntimeName:
    """Return the fastest runtime that can do these jobs."""
    from stylekernel_hf.images.loading import count_pixels
    from stylekernel_hf.pipelines.runtime_photos import MAX_RUNTIME_PIXELS
    from stylekernel_hf.runtime.choice import choose_runtime, look_around

    if any(job.is_clip for job in jobs):
        return RuntimeName.torch
    for content in {job.content for job in jobs if job.content.is_file()}:
        # What is no picture fails later, without the others.
        with contextlib.suppress(OSError, ValueError):
            if count_pixels(content, name="content") > MAX_RUNTIME_PIXELS:
                return RuntimeName.torch
    facts = look_around()
    name = choose_runtime(facts, device=device, dtype=dtype.value, pictures=len(jobs))
    return RuntimeName(name)


def _check_runtime(runtime: RuntimeName, device: str | None) -> None:
    """Refuse a device that only PyTorch has."""
    if device not in (None, "cpu"):
        raise typer.BadParameter(f"--runtime {runtime.value} excludes --device")


def _load_runtime(
    model: str | None,
    runtime: RuntimeName,
    dtype: Precision,
    jobs: list[Job],
    tile_size: int | None,
) -> RuntimePipeline:
    from stylekernel_hf.pipelines.tasks import pipeline
    from stylekernel_hf.tiling.tile_side import check_tile_size

    for job in jobs:
        if job.is_clip:
            raise typer.BadParameter(
                f"--runtime {runtime.value} stylizes pictures, and '{job.content}' is a video"
            )
    name: Any = runtime.value
    pipe = pipeline("style-kernel", model=model, dtype=dtype.value, runtime=name)
    check_tile_size(tile_size, pipe.stride)
    return pipe


def _check_maps(masks: list[Path], strength_map: Path | None) -> list[Path]:
    """Return all maps after reading the header of those that are pictures."""
    from stylekernel_hf.images.loading import count_pixels
    from stylekernel_hf.video.formats import is_video_name

    maps = {f"mask {number}": path for number, path in enumerate(masks, start=1)}
    maps |= {"strength_map": strength_map} if strength_map is not None else {}
    for name, path in maps.items():
        # A pipe can be read only once, and videos are looked at with the video that they follow.
        moves = path.exists() and is_video_name(path)
        if not moves and (path.is_file() or not path.exists()):
            count_pixels(path, name=name)
    return list(maps.values())


def _check_sheet(sheet: Path, jobs: list[Job], maps: list[Path], *, may_exist: bool) -> None:
    from stylekernel_hf.cli.sheet import check_sheet

    check_sheet(sheet, jobs, maps)
    check_new(sheet, name="sheet", overwrite=may_exist)


def _draw_sheet(sheet: Path, jobs: list[Job], *, skip_existing: bool) -> bool:
    """Return whether all pictures are shown, or an existing sheet was left alone."""
    from stylekernel_hf.cli.sheet import draw_sheet

    if skip_existing and sheet.exists():
        typer.echo(f"skipped the sheet {sheet}, which existed")
        return True
    return draw_sheet(jobs, sheet)
