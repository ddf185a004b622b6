"""Output paths are checked before the work."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stylekernel_hf.files.output_paths import check_not_read, check_output_file, check_output_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "inside").mkdir()
    (tmp_path / "astray").symlink_to(tmp_path / "nowhere")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("inside", IsADirectoryError, "sheet must be a file, but '.*inside' is a folder"),
        ("nowhere/a.png", FileNotFoundError, "sheet: no such folder: '.*nowhere'"),
        ("file/a.png", FileNotFoundError, "sheet: no such folder: '.*file'"),
        ("x" * 300, ValueError, "sheet must have names of at most 255 bytes, got 300"),
        ("é" * 130, ValueError, "sheet must have names of at most 255 bytes, got 260"),
    ],
)
def test_file_that_cannot_be_written(
    folder: Path, name: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        check_output_file(folder / name, name="sheet")


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("file", NotADirectoryError, "output must be a folder, but '.*file' is a file"),
        ("file/deep/er", NotADirectoryError, "output must be a folder, but '.*file' is a file"),
        ("astray/er", NotADirectoryError, "but '.*astray' is a dangling link"),
        (f"new/{'x' * 300}/er", ValueError, "output must have names of at most 255 bytes"),
        ("/".join(["x" * 200] * 30), ValueError, "output must be a path of at most 4095 bytes"),
    ],
)
def test_folder_that_cannot_be_filled(
    folder: Path, name: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        check_output_folder(folder / name, name="output")
    with pytest.raises(error):
        check_output_file(folder / name / "a.png", name="output", makes_folder=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_devices_and_pipes_are_not_replaced(folder: Path) -> None:
    (folder / "nothing.png").symlink_to("/dev/null")
    for path in ("/dev/null", "/dev/stdout", "/dev/fd/1", "pipe.png", "nothing.png"):
        with pytest.raises(ValueError, match="json must be a regular file, but"):
            check_output_file(folder / path, name="json")
    with pytest.raises(NotADirectoryError, match="'/dev/null' is a device or a pipe"):
        check_output_folder(Path("/dev/null"), name="output")


@pytest.mark.parametrize("check", [check_output_file, check_output_folder])
def test_standard_output_is_not_written(check: Callable[..., None]) -> None:
    with pytest.raises(ValueError, match=r"json must be a .*got '-': standard output"):
        check(Path("-"), name="json")


@pytest.mark.parametrize("reason", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_folder_that_takes_no_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    def refuse(**_: object) -> None:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    for check, path in (
        (check_output_file, folder / "a.png"),
        (check_output_folder, folder / "new" / "er"),
    ):
        words = f"json: cannot write to the folder '{folder}': {os.strerror(reason)}"
        with pytest.raises(OSError, match=words):
            check(path, name="json")


def test_writable_paths_pass_and_nothing_is_left_behind(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    check_output_file(folder / "file", name="json")
    check_output_file(folder / "new.json", name="json")
    check_output_file(folder / "new" / "er" / "a.png", name="json", makes_folder=True)
    check_output_folder(folder / "inside", name="output")
    check_output_folder(folder / "new" / "er", name="output")
    assert sorted(folder.rglob("*")) == before
    assert (folder / "file").read_text() == "precious"


def test_output_is_known_for_an_input_by_any_path(folder: Path) -> None:
    photo = folder / "photo.png"
    photo.write_bytes(b"photo")
    os.link(photo, folder / "hard.png")
    (folder / "soft.png").symlink_to(photo)
    for name in ("photo.png", "inside/../photo.png", "hard.png", "soft.png"):
        with pytest.raises(ValueError, match="output must not replace a file that is"):
            check_not_read([folder / name], [photo], name="output")
    check_not_read([folder / "file", folder / "new.png"], [photo, folder / "gone"], name="output")
