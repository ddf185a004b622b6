"""Many pictures at once: the planned ones are made, and failures leave the others alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeGuard

from PIL import Image

from stylekernel_hf.cli.jobs import Job, check_jobs, check_written_name
from stylekernel_hf.cli.style_sources import NamedStyle, StyleSource
from stylekernel_hf.errors.messages import in_one_line
from stylekernel_hf.images.bounds import Bounds
from stylekernel_hf.images.color_mode_names import ColorMode
from stylekernel_hf.images.formats import check_image_size
from stylekernel_hf.images.loading import read_image
from stylekernel_hf.images.metadata.reading import read_metadata
from stylekernel_hf.images.writing import save_image
from stylekernel_hf.styles.picture_size import (
    MIN_SIDE,
    PALETTE_SIZE,
    is_style_file,
    style_bounds,
)

if TYPE_CHECKING:
    from stylekernel_hf.pipelines.runtime_pipeline import RuntimePipeline
    from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline

Existing: TypeAlias = Literal["refuse", "skip", "overwrite"]
# Errors of one picture, which must not stop the others.
_PER_PICTURE_ERRORS = (OSError, ValueError, TypeError, RuntimeError, MemoryError, ImportError)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job; `error` says in one line why there is no picture, or not all of it."""

    job: Job
    status: Literal["written", "skipped", "failed"]
    error: str = ""


def run_jobs(
    pipe: StyleKernelPipeline | RuntimePipeline,
    jobs: Sequence[Job],
    *,
    strength: float | Path = 1.0,
    style_weights: Sequence[float] | None = None,
    masks: Sequence[Path] | None = None,
    color: ColorMode = "style",
    stroke_scale: float = 1.0,
    style_size: int | None = 512,
    tile_size: int | None = None,
    existing: Existing = "refuse",
    metadata: bool = True,
    video: Mapping[str, Any] | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Make every picture; the outcome of a picture holds its error, and the others go on.

    The options are those of the pipeline's call. Each style is encoded once, and folders for the
    results are created. `check_jobs` raises its errors before the work starts. Large files are
    stylized in strips if possible, see `calls_for_strips`. With `metadata`, results keep the EXIF,
    XMP and IPTC data of their contents. `video` holds the options of `stylize_video` that pictures
    do not have. `existing` says what happens to a result whose file exists.
    `on_outcome` is called after every job.
    """
    check_jobs(jobs)
    # Jobs come content by content. One content and every encoded style are kept in memory; of the
    # paintings whose colours are transferred, which are large, only the last one.
    kept = lru_cache(maxsize=1) if color == "transfer" else cache
    read_style = kept(partial(_read_style, pipe, style_size=style_size, color=color))
    stylize = partial(
        _stylize,
        pipe,
        lru_cache(maxsize=1)(partial(read_image, name="content", bounds=Bounds(min_side=MIN_SIDE))),
        strength=strength,
        style_weights=style_weights,
        masks=masks,
        color=color,
        stroke_scale=stroke_scale,
        tile_size=tile_size,
        metadata=metadata,
        video=video or {},
    )
    outcomes: list[Outcome] = []
    for job in jobs:
        try:
            if _is_to_be_skipped(job.output, existing):
                outcome = Outcome(job, "skipped")
            else:
                check_written_name(job)
                damage = stylize(job, [read_style(style) for style in job.styles])
                outcome = Outcome(job, "written", damage)
        except _PER_PICTURE_ERRORS as error:
            outcome = Outcome(job, "failed", in_one_line(error))
        outcomes.append(outcome)
        if on_outcome:
            on_outcome(outcome)
    return outcomes


def is_torch(pipe: StyleKernelPipeline | RuntimePipeline) -> TypeGuard[StyleKernelPipeline]:
    """Return whether a pipeline runs in PyTorch, and so takes videos."""
    return not hasattr(pipe, "runtime")


def _stylize(
    pipe: StyleKernelPipeline | RuntimePipeline,
    load_content: Callable[[Path], Image.Image],
    job: Job,
    styles: Sequence[Any],
    *,
    strength: float | Path,
    style_weights: Sequence[float] | None,
    masks: Sequence[Path] | None,
    color: ColorMode,
    stroke_scale: float,
    tile_size: int | None,
    metadata: bool,
    video: Mapping[str, Any],
) -> str:
    """Make the picture or video of a job; return what of its content could not be read."""
    options: Any = {
        "strength": strength,
        "style_weights": style_weights,
        "color": color,
        "stroke_scale": stroke_scale,
        "tile_size": tile_size,
    }
    job.output.parent.mkdir(parents=True, exist_ok=True)
    if job.is_clip and is_torch(pipe):
        from stylekernel_hf.video.stylizing import stylize_video

        options |= {**video, "masks": masks, "metadata": metadata}
        return stylize_video(pipe, job.content, styles, job.output, **options).damage
    if is_torch(pipe):
        from stylekernel_hf.large.file_stylization import calls_for_strips, stylize_file

        if calls_for_strips(job.content, job.output, strength=strength, masks=masks, color=color):
            stylize_file(pipe, job.content, styles, job.output, metadata=metadata, **options)
            return ""
    content = load_content(job.content)
    check_image_size(job.output, content.size, name="content")
    result = pipe(content, styles, masks=masks, **options).images[0]
    save_image(result, job.output, metadata=metadata and read_metadata(job.content))
    return ""


def _read_style(
    pipe: StyleKernelPipeline | RuntimePipeline,
    style: StyleSource,
    *,
    style_size: int | None,
    color: ColorMode,
) -> Any:
    if isinstance(style, NamedStyle):
        return style.load() if is_torch(pipe) else style.load_for_runtime()
    if color != "transfer":
        return pipe.encode_style(style, style_size=style_size)
    # Transferring colours needs the image; the pipeline raises an error for an encoded style.
    bounds = style_bounds(PALETTE_SIZE)
    return style if is_style_file(style) else read_image(style, name="style", bounds=bounds)


def _is_to_be_skipped(output: Path, existing: Existing) -> bool:
    if output.is_dir():
        exists = any(output.iterdir())
    else:
        exists = output.exists() if existing == "refuse" else output.is_file()
    if existing == "refuse" and exists:
        raise FileExistsError(f"'{output}' exists already")
    return existing == "skip" and exists
