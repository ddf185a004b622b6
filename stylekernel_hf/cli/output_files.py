"""The files that commands write at their end: checked before the work, written one by one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from stylekernel_hf.errors.messages import extra_required
from stylekernel_hf.files.output_paths import check_not_read, check_output_file, check_output_folder

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")]


def check_outputs(
    files: Mapping[str, Path | None], *, overwrite: bool, read: Iterable[Path] = ()
) -> None:
    """Raise OSError or ValueError, before the work, for files by option that cannot be written.

    No two may be the same, none may be one of those that are `read`, and none may exist unless
    `overwrite` is true.
    """
    from stylekernel_hf.cli.output_names import file_system_key

    read, options = list(read), dict[str, str]()
    for option, path in files.items():
        if path is None:
            continue
        check_output_file(path, name=option)
        check_not_read([path], read, name=option)
        check_new(path, name=option, overwrite=overwrite)
        before = options.setdefault(file_system_key(os.path.abspath(path)), option)
        if before != option:
            raise ValueError(f"{before} and {option} must be two files, got '{path}' for both")


def check_new(path: Path, *, name: str, overwrite: bool) -> None:
    """Raise FileExistsError for a file that exists, unless it may be overwritten."""
    if not overwrite and os.path.lexists(path):
        raise FileExistsError(
            f"{name} must be a new file, but '{path}' exists: use --overwrite to replace it"
        )


def check_run_folder(output: Path) -> None:
    """Raise OSError or ValueError, before the work, if a run cannot write to a folder."""
    for folder in (output, *(output / part for part in ("checkpoints", "model", "sheets"))):
        check_output_folder(folder, name="output")


def check_plot(path: Path | None, formats: Iterable[str] = (".png", ".svg")) -> None:
    """Raise ValueError for a plot with another suffix, and ImportError without matplotlib."""
    if path is None:
        return
    if path.suffix.lower() not in formats:
        raise ValueError(f"plot must be a {' or '.join(formats)} file, got '{path}'")
    with extra_required("plot", "plot", "matplotlib"):
        import matplotlib  # noqa: F401  # pyright: ignore[reportUnusedImport]


def write_each(
    files: Mapping[str, Path | None], writers: Mapping[str, Callable[[Path], None]]
) -> None:
    """Write the files that are wanted; report each that fails, and write the others."""
    failed = False
    for option, path in files.items():
        if path is None:
            continue
        try:
            writers[option](path)
        except (OSError, ValueError, ImportError) as error:
            typer.echo(f"stylekernel: {option}: '{path}' was not written: {error}", err=True)
            failed = True
    if failed:
        raise typer.Exit(1)
