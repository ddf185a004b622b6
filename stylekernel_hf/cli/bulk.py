"""Many pictures at once: every content in every style, each result in a file."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from PIL import Image

from stylekernel_hf.cli.content_folders import list_contents
from stylekernel_hf.cli.output_names import file_system_key, name_results
from stylekernel_hf.cli.style_sources import NamedStyle, StyleSource, path_of
from stylekernel_hf.errors.messages import in_one_line
from stylekernel_hf.files.output_paths import check_not_read, check_output_file, check_output_folder
from stylekernel_hf.images.bounds import Bounds
from stylekernel_hf.images.color_modes import ColorMode
from stylekernel_hf.images.folder import list_images
from stylekernel_hf.images.formats import check_image_size, format_to_write
from stylekernel_hf.images.loading import read_image
from stylekernel_hf.images.metadata.reading import read_metadata
from stylekernel_hf.images.writing import save_image
from stylekernel_hf.large.file_stylization import calls_for_strips, stylize_file
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.styles.picture_size import MIN_SIDE, style_bounds
from stylekernel_hf.styles.style_input import PALETTE_SIZE, is_style_file
from stylekernel_hf.video.formats import is_video_name, output_suffix, video_format

Existing: TypeAlias = Literal["refuse", "skip", "overwrite"]
_STANDARD_INPUT = "/dev/stdin"
# Errors of one picture, which must not stop the others.
_PER_PICTURE_ERRORS = (OSError, ValueError, TypeError, RuntimeError, MemoryError, ImportError)


@dataclass(frozen=True)
class Job:
    """One picture to make, in one style or in a mixture of several."""

    content: Path
    styles: tuple[StyleSource, ...]
    output: Path

    def __str__(self) -> str:
        return f"{self.content} in the style of {' and '.join(map(str, self.styles))}"


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job; `error` says in one line why there is no picture, or not all of it."""

    job: Job
    status: Literal["written", "skipped", "failed"]
    error: str = ""


def find_images(sources: Iterable[str | os.PathLike[str]], *, name: str) -> list[Path]:
    """Expand files, folders (their images, by name) and globs (with ** for subfolders).

    Folders of contents give their videos too. Each file is listed once. A file that is named
    directly is taken whatever its suffix. "-" is standard input. Raises FileNotFoundError for a
    source without pictures.
    """
    paths: dict[Path, None] = {}
    for source in sources:
        path = Path(_STANDARD_INPUT if str(source) == "-" else source)
        # Path.is_dir would raise an error for names that are too long.
        if os.path.isdir(path):
            matches = list_contents(path) if name == "content" else list_images(path, name=name)
        elif os.path.exists(path):
            matches = [path]
        else:
            matches = _glob(str(source), name)
            if not matches:
                raise FileNotFoundError(f"{name}: no such file, folder or glob: '{source}'")
        paths.update(dict.fromkeys(matches))
    return list(paths)


def plan_jobs(
    contents: Sequence[Path],
    styles: Sequence[StyleSource],
    output: str | os.PathLike[str],
    *,
    suffix: str = ".png",
) -> list[Job]:
    """Pair every content with every style.

    If `output` names a file, the only result goes there. If it names a folder (see `names_folder`),
    the results are called `CONTENT_STYLE.png`, or longer where two names would be the same (see
    `name_results`).
    """
    return _plan(contents, [(style,) for style in styles], output, suffix)


def plan_mixtures(
    contents: Sequence[Path],
    styles: Sequence[StyleSource],
    output: str | os.PathLike[str],
    *,
    suffix: str = ".png",
) -> list[Job]:
    """Plan one picture per content, of all styles together: `CONTENT_STYLE_STYLE.png`."""
    return _plan(contents, [tuple(styles)], output, suffix)


def names_folder(output: str | os.PathLike[str]) -> bool:
    """Return whether results go into a folder of this name, which need not exist yet.

    They do if the folder exists, if the name ends in a slash, or if its suffix is not that of a
    picture or video.
    """
    text = os.fspath(output)
    ends_in_slash = text.endswith(("/", os.sep))
    is_file = _is_of_a_picture(Path(text).suffix) or is_video_name(Path(text))
    return ends_in_slash or os.path.isdir(text) or not is_file


def check_jobs(jobs: Sequence[Job], *, others: Iterable[Path] = ()) -> None:
    """Raise ValueError or OSError if the results of the jobs cannot be written.

    No result may replace another result, or a file that is read: a content, a style or one of the
    `others`.
    """
    results: dict[tuple[Path, str], Job] = {}
    for job in jobs:
        key = job.output.parent, file_system_key(job.output.name)
        before = results.setdefault(key, job)
        if before != job:
            raise ValueError(
                f"output must be a file of its own for each picture, got '{job.output}' for both "
                f"{before} and {job}"
            )
    if len(jobs) == 1:
        check_output_file(jobs[0].output, name="output", makes_folder=True)
        written_format = video_format if is_video_name(jobs[0].content) else format_to_write
        written_format(jobs[0].output, name="output")
    else:
        for folder in {job.output.parent for job in jobs}:
            check_output_folder(folder, name="output")
    read = {*others, *(job.content for job in jobs)}
    read |= {path_of(style) for job in jobs for style in job.styles}
    check_not_read((job.output for job in jobs), read, name="output")


def run_jobs(
    pipe: StyleKernelPipeline,
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
                check_output_file(job.output, name="output", makes_folder=True)
                damage = stylize(job, [read_style(style) for style in job.styles])
                outcome = Outcome(job, "written", damage)
        except _PER_PICTURE_ERRORS as error:
            outcome = Outcome(job, "failed", in_one_line(error))
        outcomes.append(outcome)
        if on_outcome:
            on_outcome(outcome)
    return outcomes


def _stylize(
    pipe: StyleKernelPipeline,
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
    if is_video_name(job.content):
        from stylekernel_hf.video.stylizing import stylize_video

        options |= {**video, "masks": masks, "metadata": metadata}
        return stylize_video(pipe, job.content, styles, job.output, **options).damage
    if calls_for_strips(job.content, job.output, strength=strength, masks=masks, color=color):
        stylize_file(pipe, job.content, styles, job.output, metadata=metadata, **options)
    else:
        content = load_content(job.content)
        check_image_size(job.output, content.size, name="content")
        result = pipe(content, styles, masks=masks, **options).images[0]
        save_image(result, job.output, metadata=metadata and read_metadata(job.content))
    return ""


def _read_style(
    pipe: StyleKernelPipeline, style: StyleSource, *, style_size: int | None, color: ColorMode
) -> Any:
    if isinstance(style, NamedStyle):
        return style.load()
    if color != "transfer":
        return pipe.encode_style(style, style_size=style_size)
    # Transferring colours needs the image; the pipeline raises an error for an encoded style.
    bounds = style_bounds(PALETTE_SIZE)
    return style if is_style_file(style) else read_image(style, name="style", bounds=bounds)


def _plan(
    contents: Sequence[Path],
    groups: Sequence[tuple[StyleSource, ...]],
    output: str | os.PathLike[str],
    suffix: str,
) -> list[Job]:
    """Pair every content with every group of styles that are mixed in one picture."""
    if not os.fspath(output):
        raise ValueError("output must be the name of a file or folder, got ''")
    if not names_folder(output):
        pictures = len(contents) * len(groups)
        if pictures != 1:
            raise ValueError(
                f"output must be a folder for {pictures} pictures, got '{output}' (a folder of "
                "that name ends in a slash)"
            )
        return [Job(contents[0], groups[0], Path(output))]
    suffixes = {each: output_suffix(each) if is_video_name(each) else suffix for each in contents}
    names: dict[Any, str] = {}
    for common in dict.fromkeys(suffixes.values()):
        named = [each for each in contents if suffixes[each] == common]
        names |= name_results(named, groups, common)
    pairs = [(content, group) for content in contents for group in groups]
    return [Job(*pair, Path(output, names[pair])) for pair in pairs]


def _is_to_be_skipped(output: Path, existing: Existing) -> bool:
    if existing == "refuse" and output.exists():
        raise FileExistsError(f"'{output}' exists already")
    return existing == "skip" and output.is_file()


def _is_of_a_picture(suffix: str) -> bool:
    # Formats that are only read count, too, such as .heic: no folder has such a name.
    by_name, _ = mimetypes.MimeTypes().guess_type(f"name{suffix}", strict=False)
    known = suffix.lower() in Image.registered_extensions()
    return bool(suffix) and (known or (by_name or "").startswith("image/"))


def _glob(pattern: str, name: str) -> list[Path]:
    path = Path(pattern)
    root = Path(path.anchor) if path.anchor else Path()
    parts = path.relative_to(path.anchor) if path.anchor else path
    if not any(mark in pattern for mark in "*?["):
        return []
    try:
        return sorted(file for file in root.glob(str(parts)) if os.path.isfile(file))
    except ValueError as error:
        raise ValueError(f"{name} must be a glob, got '{pattern}': {error}") from error
