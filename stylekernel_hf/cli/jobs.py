"""Which pictures `stylekernel stylize` makes: every content in every style, each in a file."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylekernel_hf.cli.content_folders import list_contents
from stylekernel_hf.cli.output_names import file_system_key, name_results
from stylekernel_hf.cli.style_sources import StyleSource, path_of
from stylekernel_hf.files.output_paths import check_not_read, check_output_file, check_output_folder
from stylekernel_hf.images.folder import list_images
from stylekernel_hf.images.formats import format_of_suffix, format_to_write
from stylekernel_hf.video.formats import (
    is_clip,
    is_video_name,
    names_frames,
    output_suffix,
    video_format,
)

_STANDARD_INPUT = "/dev/stdin"


@dataclass(frozen=True)
class Job:
    """One picture to make, in one style or in a mixture of several."""

    content: Path
    styles: tuple[StyleSource, ...]
    output: Path
    is_clip: bool = False
    """Whether the content is a video, a folder of frames or a picture that moves."""

    def __str__(self) -> str:
        return f"{self.content} in the style of {' and '.join(map(str, self.styles))}"


def find_images(
    sources: Iterable[str | os.PathLike[str]], *, name: str, frames: bool = False
) -> list[Path]:
    """Expand files, folders (their images, by name) and globs (with ** for subfolders).

    Folders of contents give their videos too. Each file is listed once. A file that is named
    directly is taken whatever its suffix. "-" is standard input. With `frames`, each folder is one
    content. Raises FileNotFoundError for a
    source without pictures.
    """
    paths: dict[Path, None] = {}
    for source in sources:
        path = Path(_STANDARD_INPUT if str(source) == "-" else source)
        # Path.is_dir would raise an error for names that are too long.
        if os.path.isdir(path) and not frames:
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
    frames: bool = False,
) -> list[Job]:
    """Pair every content with every style.

    If `output` names a file, the only result goes there. If it names a folder (see `names_folder`),
    the results are called `CONTENT_STYLE.png`, or longer where two names would be the same (see
    `name_results`). With `frames`, results of clips are folders of frames, without a suffix; a
    single one is the folder `output` itself.
    """
    return _plan(contents, [(style,) for style in styles], output, suffix, frames)


def plan_mixtures(
    contents: Sequence[Path],
    styles: Sequence[StyleSource],
    output: str | os.PathLike[str],
    *,
    suffix: str = ".png",
    frames: bool = False,
) -> list[Job]:
    """Plan one picture per content, of all styles together: `CONTENT_STYLE_STYLE.png`."""
    return _plan(contents, [tuple(styles)], output, suffix, frames)


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
        check_written_name(jobs[0])
    else:
        for folder in {job.output.parent for job in jobs}:
            check_output_folder(folder, name="output")
    read = {*others, *(job.content for job in jobs)}
    read |= {path_of(style) for job in jobs for style in job.styles}
    check_not_read((job.output for job in jobs), read, name="output")


def check_written_name(job: Job) -> None:
    """Raise ValueError or OSError if a file or folder of the name of a result cannot be made."""
    if job.is_clip and names_frames(job.output):
        return check_output_folder(job.output, name="output")
    check_output_file(job.output, name="output", makes_folder=True)
    written_format = video_format if job.is_clip else format_to_write
    written_format(job.output, name="output")


def _plan(
    contents: Sequence[Path],
    groups: Sequence[tuple[StyleSource, ...]],
    output: str | os.PathLike[str],
    suffix: str,
    frames: bool,
) -> list[Job]:
    """Pair every content with every group of styles that are mixed in one picture."""
    if not os.fspath(output):
        raise ValueError("output must be the name of a file or folder, got ''")
    pairs = [(content, group) for content in contents for group in groups]
    is_folder = names_folder(output)
    if not is_folder and len(pairs) != 1:
        raise ValueError(
            f"output must be a folder for {len(pairs)} pictures, got '{output}' (a folder of "
            "that name ends in a slash)"
        )
    if not is_folder or (frames and len(pairs) == 1):
        target = Path(output)
        return [Job(*pairs[0], target, is_clip(contents[0], target))]
    suffixes = {each: _suffix_for(each, suffix, frames) for each in contents}
    names: dict[Any, str] = {}
    for common in dict.fromkeys(suffixes.values()):
        named = [each for each in contents if suffixes[each] == common]
        names |= name_results(named, groups, common)
    targets = {pair: Path(output, names[pair]) for pair in pairs}
    return [Job(*pair, target, is_clip(pair[0], target)) for pair, target in targets.items()]


def _suffix_for(content: Path, usual: str, frames: bool) -> str:
    """Return the suffix of the result of a content in a folder: the usual one of photos."""
    own = output_suffix(content)
    if not is_clip(content, Path(f"name{own}")):
        return usual
    return "" if frames else own


def _is_of_a_picture(suffix: str) -> bool:
    # Formats that are only read count, too, such as .heic: no folder has such a name.
    if not suffix or format_of_suffix(suffix) is not None:
        return bool(suffix)
    by_name, _ = mimetypes.MimeTypes().guess_type(f"name{suffix}", strict=False)
    return (by_name or "").startswith("image/")


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
