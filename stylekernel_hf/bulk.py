"""Many pictures at once: every content in every style, each result a file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from PIL import Image

from stylekernel_hf.color import ColorMode
from stylekernel_hf.file_painting import calls_for_strips, stylize_file
from stylekernel_hf.image_formats import check_image_size
from stylekernel_hf.image_io import list_images, load_image, save_image
from stylekernel_hf.pipeline_style_kernel import StyleKernelPipeline, is_style_file
from stylekernel_hf.style_sources import NamedStyle, StyleSource, long_name, short_name

Existing: TypeAlias = Literal["refuse", "skip", "overwrite"]
# What can be wrong with one picture, and must not stop the others.
_PER_PICTURE_ERRORS = (OSError, ValueError, TypeError, RuntimeError, MemoryError, ImportError)


@dataclass(frozen=True)
class Job:
    """One picture to make: of one style, or of several that are mixed."""

    content: Path
    styles: tuple[StyleSource, ...]
    output: Path


@dataclass(frozen=True)
class Outcome:
    """What became of a job; `error` says in one line why there is no picture."""

    job: Job
    status: Literal["written", "skipped", "failed"]
    error: str = ""


def find_images(sources: Iterable[str | os.PathLike[str]], *, name: str) -> list[Path]:
    """Expand files, folders (their images, by name) and globs (with ** for subfolders).

    Each picture is listed once. FileNotFoundError for a source that gives none; a file that is
    named outright is taken as it is, whatever its suffix.
    """
    found: dict[Path, None] = {}
    for source in sources:
        path = Path(source)
        if path.is_dir():
            matches = list_images(path, name=name)
        elif path.exists():
            matches = [path]
        else:
            matches = _glob(str(source))
            if not matches:
                raise FileNotFoundError(f"{name}: no such file, folder or glob: '{source}'")
        found.update(dict.fromkeys(matches))
    return list(found)


def plan_jobs(
    contents: Sequence[Path], styles: Sequence[StyleSource], output: Path, *, suffix: str = ".png"
) -> list[Job]:
    """Pair every content with every style; one result goes to `output` itself if it is a file name.

    Otherwise `output` is the folder for `CONTENT_STYLE.png`; where two names would be the same,
    the folders of the pictures, and the files of named styles, are put before them.
    """
    return _plan(contents, [(style,) for style in styles], output, suffix)


def plan_mixtures(
    contents: Sequence[Path], styles: Sequence[StyleSource], output: Path, *, suffix: str = ".png"
) -> list[Job]:
    """Plan one picture per content, of all styles together: `CONTENT_STYLE_STYLE.png`."""
    return _plan(contents, [tuple(styles)], output, suffix)


def run_jobs(
    pipe: StyleKernelPipeline,
    jobs: Sequence[Job],
    *,
    strength: float | Path = 1.0,
    style_weights: Sequence[float] | None = None,
    masks: Sequence[Path] | None = None,
    color: ColorMode = "style",
    style_size: int | None = 512,
    tile_size: int | None = None,
    existing: Existing = "refuse",
    on_outcome: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Make every picture; one that fails is reported in its outcome and the others go on.

    The options are those of the pipeline's call. Each style is encoded once, and folders for the
    results are created. Large files are painted in strips where that can be, see
    `calls_for_strips`. `existing` says what becomes of a result whose file is there already.
    `on_outcome` is called after every job.
    """
    # Jobs come content by content: one content at a time is kept, and every encoded style.
    read_style = cache(partial(_read_style, pipe, style_size=style_size, color=color))
    paint = partial(
        _paint,
        pipe,
        lru_cache(maxsize=1)(partial(load_image, name="content")),
        strength=strength,
        style_weights=style_weights,
        masks=masks,
        color=color,
        tile_size=tile_size,
    )
    outcomes: list[Outcome] = []
    for job in jobs:
        try:
            if _is_to_be_skipped(job.output, existing):
                outcome = Outcome(job, "skipped")
            else:
                paint(job, [read_style(style) for style in job.styles])
                outcome = Outcome(job, "written")
        except _PER_PICTURE_ERRORS as error:
            outcome = Outcome(job, "failed", " ".join(str(error).split()) or type(error).__name__)
        outcomes.append(outcome)
        if on_outcome:
            on_outcome(outcome)
    return outcomes


def _paint(
    pipe: StyleKernelPipeline,
    load_content: Callable[[Path], Image.Image],
    job: Job,
    styles: Sequence[Any],
    *,
    strength: float | Path,
    style_weights: Sequence[float] | None,
    masks: Sequence[Path] | None,
    color: ColorMode,
    tile_size: int | None,
) -> None:
    in_strips = calls_for_strips(
        job.content, job.output, strength=strength, masks=masks, color=color
    )
    options: Any = {
        "strength": strength,
        "style_weights": style_weights,
        "color": color,
        "tile_size": tile_size,
    }
    job.output.parent.mkdir(parents=True, exist_ok=True)
    if in_strips:
        stylize_file(pipe, job.content, styles, job.output, **options)
    else:
        content = load_content(job.content)
        check_image_size(job.output, content.size, name="content")
        painted = pipe(content, styles, masks=masks, **options)
        save_image(painted.images[0], job.output)


def _read_style(
    pipe: StyleKernelPipeline, style: StyleSource, *, style_size: int | None, color: ColorMode
) -> Any:
    if isinstance(style, NamedStyle):
        return style.load()
    if color != "transfer":
        return pipe.encode_style(style, style_size=style_size)
    # Transferring colours needs the image itself; the pipeline says so of a file of a style.
    return style if is_style_file(style) else load_image(style, name="style")


def _plan(
    contents: Sequence[Path], groups: Sequence[tuple[StyleSource, ...]], output: Path, suffix: str
) -> list[Job]:
    """Pair every content with every group of styles that make one picture."""
    pictures = len(contents) * len(groups)
    if output.suffix and not output.is_dir():
        if pictures != 1:
            raise ValueError(f"output must be a folder for {pictures} pictures, got '{output}'")
        return [Job(contents[0], groups[0], output)]
    content_names = _distinct_names(contents)
    style_names = _distinct_names([style for group in groups for style in group])
    jobs: list[Job] = []
    for content in contents:
        for group in groups:
            names = "_".join([content_names[content], *(style_names[style] for style in group)])
            jobs.append(Job(content, group, output / f"{names}{suffix}"))
    return jobs


def _is_to_be_skipped(output: Path, existing: Existing) -> bool:
    if existing == "refuse" and output.exists():
        raise FileExistsError(f"'{output}' exists already")
    return existing == "skip" and output.exists()


def _glob(pattern: str) -> list[Path]:
    path = Path(pattern)
    root = Path(path.anchor) if path.anchor else Path()
    parts = path.relative_to(path.anchor) if path.anchor else path
    if not any(mark in pattern for mark in "*?["):
        return []
    return sorted(file for file in root.glob(str(parts)) if file.is_file())


def _distinct_names(sources: Sequence[StyleSource]) -> dict[StyleSource, str]:
    names = {source: short_name(source) for source in sources}
    taken = Counter(names.values())
    for source, name in names.items():
        if taken[name] > 1:
            names[source] = long_name(source)
    taken = Counter(names.values())
    for index, (source, name) in enumerate(names.items(), start=1):
        if taken[name] > 1:
            names[source] = f"{name}-{index}"
    return names
