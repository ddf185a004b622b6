"""Files that a visitor may name: uploads, results and the demo's own examples."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from demo.catalog import SHOWN
from demo.limits import Limits
from demo.messages import VisitorError

_ENTRIES = 64
"""Entries of a list that any input may have, however few photos a folder may."""
_LETTERS = 4096
"""Of one text in an input; the longest is the address of a file."""


class CheckedBlocks(gr.Blocks):
    """gr.Blocks that checks every input before it is used.

    Gradio fetches addresses wherever they stand in an input, for a slider too, and takes files
    without its own mark as they are.
    """

    def __init__(self, limits: Limits, **options: Any) -> None:
        super().__init__(**options)
        self.limits = limits

    async def preprocess_data(
        self,
        block_fn: Any,
        inputs: list[Any],
        state: Any,
        explicit_call: bool = False,
    ) -> list[Any]:
        """Convert the inputs; raise gr.Error for input that a visitor may not send."""
        try:
            check_input(inputs, self.limits)
        except VisitorError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return await super().preprocess_data(block_fn, inputs, state, explicit_call)


def check_input(value: Any, limits: Limits) -> None:
    """Raise VisitorError for an input that is too large, or names a file that was not uploaded."""
    if isinstance(value, str) and len(value) > _LETTERS:
        raise VisitorError(
            f"A text may have at most {_LETTERS} letters; one of these has {len(value)}."
        )
    if not isinstance(value, list | dict):
        return
    most = max(_ENTRIES, limits.folder_files)
    if len(value) > most:
        raise VisitorError(
            f"At most {limits.folder_files} photos at once, or {most} of anything else; "
            f"here are {len(value)}."
        )
    for each in value.values() if isinstance(value, dict) else value:
        check_input(each, limits)
    if isinstance(value, dict) and value.get("path") is not None:
        _check_path(value["path"])


def read_file(path: str, name: str, most: int) -> bytes:
    """Read a file of at most `most` bytes, and no more than one beyond; else VisitorError.

    It does not wait for pipes or devices.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise VisitorError(_gone(name))
            data = b"" if state.st_size > most else file.read(most + 1)
    except VisitorError:
        raise
    except (OSError, ValueError) as error:
        raise VisitorError(_gone(name)) from error
    if (size := max(state.st_size, len(data))) > most:
        raise VisitorError(
            f"{name} is too large: {size / 2**20:.0f} MB, and at most {most / 2**20:.0f} MB are "
            "taken."
        )
    return data


def _open_at_once(path: str, flags: int) -> int:
    """Open a file; a pipe without waiting for somebody to write into it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _check_path(path: Any) -> None:
    if not isinstance(path, str):
        raise VisitorError("A file's path must be a text.")
    if "://" in path or path.startswith("data:"):
        raise VisitorError("Files are not fetched from addresses. Please upload the file.")
    if not _is_here(path):
        raise VisitorError(_gone(f"“{Path(path).name[:80]}”"))


def _is_here(path: str) -> bool:
    try:
        real = os.path.realpath(path)
        return any(_is_within(real, folder) for folder in _folders()) and os.path.isfile(real)
    except (OSError, ValueError):
        return False


def _folders() -> Sequence[str | Path]:
    return get_upload_folder(), *SHOWN


def _is_within(path: str, folder: str | Path) -> bool:
    return Path(path).is_relative_to(os.path.realpath(folder))


def _gone(name: str) -> str:
    return (
        f"{name} is not here, or not any more: files are deleted after a while, and when the "
        "server starts again. Please upload it; everything else is as it was."
    )
