"""Errors in one line, and the extra that a missing package belongs to."""

from __future__ import annotations

import errno
import os

import pytest

from stylekernel_hf.errors.messages import extra_required, first_line, in_one_line


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
def test_errors_become_one_line(error: Exception, first: str, whole: str) -> None:
    assert first_line(error) == first
    assert in_one_line(error) == whole


def test_missing_package_names_the_extra() -> None:
    message = "^drawing needs no_such_package: pip install 'stylekernel-hf\\[plot\\]'$"
    with pytest.raises(ImportError, match=message), extra_required("plot", "drawing"):
        import no_such_package.submodule  # noqa: F401
    with (
        pytest.raises(ImportError, match="needs libone and libtwo: "),
        extra_required("large", "this", "libone and libtwo"),
    ):
        raise OSError("cannot load library")


def test_import_error_with_its_own_advice_is_kept() -> None:
    with pytest.raises(ImportError, match="^the advice$"), extra_required("train", "training"):
        raise ImportError("the advice")
