"""Errors in one line."""

from __future__ import annotations

import errno
import os

import pytest

from stylekernel_hf.errors.first_line import first_line, in_one_line


@pytest.mark.parametrize(
    ("error", "first", "whole"),
    [
        (ValueError("content must\n  be\na picture"), "content must", "content must be a picture"),
        (ValueError(), "ValueError", "ValueError"),
        (OSError("output: no room"), "output: no room", "output: no room"),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "out/a.png"),
            "[Errno 28] No space left on device: 'out/a.png'",
            "'out/a.png': No space left on device",
        ),
        (
            PermissionError(errno.EACCES, os.strerror(errno.EACCES)),
            "[Errno 13] Permission denied",
            "Permission denied",
        ),
        (MemoryError(), "MemoryError", "there is not enough memory"),
        (MemoryError("18 GB are needed"), "18 GB are needed", "18 GB are needed"),
    ],
)
def test_errors_are_told_in_one_line(error: Exception, first: str, whole: str) -> None:
    assert first_line(error) == first
    assert in_one_line(error) == whole
