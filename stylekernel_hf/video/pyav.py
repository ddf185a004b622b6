"""PyAV, FFmpeg's libraries in Python: the one place that imports it."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

from stylekernel_hf.errors.messages import extra_required

with extra_required("video", "a video", "PyAV"):
    import av as av
    from av.codec import Codec
    from av.error import EOFError as EndOfFileError
    from av.error import FFmpegError, InvalidDataError
    from av.filter import Graph
    from av.format import Flags
    from av.stream import Disposition

__all__ = [
    "END_ERRORS",
    "Codec",
    "Disposition",
    "EndOfFileError",
    "FFmpegError",
    "Flags",
    "Graph",
    "InvalidDataError",
    "av",
    "system_errors",
]

END_ERRORS = (EndOfFileError, IndexError)
"""What reading packets may end with: PyAV counts streams wrong that damaged bytes make up."""


@contextmanager
def system_errors() -> Generator[None]:
    """Raise FFmpeg's errors of writing as the system's own, or as one that names the output."""
    try:
        yield
    except FFmpegError as error:
        if isinstance(error, OSError) and error.errno:
            raise OSError(error.errno, os.strerror(error.errno)) from error
        raise ValueError(f"output cannot be written by FFmpeg: {error.strerror}") from error
