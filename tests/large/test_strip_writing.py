"""Rows become a complete image file, or an error and no file."""

from __future__ import annotations

import errno
import io
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from stylekernel_hf.large import strip_writing
from stylekernel_hf.large.stored_png import StoredPng
from stylekernel_hf.large.strip_files import StripFile
from stylekernel_hf.large.strip_writing import check_room, encode_raw, raw_file

pytest.importorskip("pyvips", reason="needs libvips")

WIDTH, HEIGHT = 500, 1000
SUFFIXES = [".png", ".tif", ".jpg", ".webp"]


@pytest.fixture(scope="module")
def rows() -> bytes:
    return np.random.default_rng(0).integers(1, 255, (HEIGHT, WIDTH, 3), np.uint8).tobytes()


@pytest.fixture(params=["RGB", "RGBA"])
def content(request: pytest.FixtureRequest, tmp_path: Path) -> StripFile:
    Image.new(request.param, (WIDTH, HEIGHT), "red").save(tmp_path / "in.png")
    return StripFile(tmp_path / "in.png", name="content")


class Rows(io.BytesIO):
    """A file that does something else than reading when it gets to its middle."""

    def __init__(self, data: bytes, instead: Callable[[], bytes]) -> None:
        super().__init__(data)
        self.instead = instead

    def read(self, size: int | None = -1, /) -> bytes:
        return self.instead() if self.tell() > len(self.getvalue()) // 2 else super().read(size)


def raising(error: BaseException) -> Callable[[], bytes]:
    def instead() -> bytes:
        raise error

    return instead


def interrupted() -> bytes:
    signal.raise_signal(signal.SIGINT)
    return b""


def check_nothing_was_written(output: Path) -> None:
    assert output.read_text() == "old"
    assert {path.name for path in output.parent.iterdir()} == {"in.png", output.name}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EIO, "the disk fails"),
        KeyboardInterrupt("stop"),
        SystemExit("stop"),
        MemoryError("too much"),
        ZeroDivisionError("whatever else"),
        GeneratorExit("stop"),
        StopIteration("stop"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_error_while_rows_are_read_is_raised_and_leaves_the_old_file(
    content: StripFile, rows: bytes, tmp_path: Path, suffix: str, error: BaseException
) -> None:
    output = tmp_path / f"out{suffix}"
    output.write_text("old")
    kind = RuntimeError if isinstance(error, StopIteration) else type(error)
    with pytest.raises(kind):
        encode_raw(Rows(rows, raising(error)), content, output)
    check_nothing_was_written(output)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("instead", [bytes, lambda: bytes(7), interrupted])
def test_short_rows_and_ctrl_c_are_errors_too(
    content: StripFile, rows: bytes, tmp_path: Path, suffix: str, instead: Callable[[], bytes]
) -> None:
    output = tmp_path / f"out{suffix}"
    output.write_text("old")
    with pytest.raises((OSError, KeyboardInterrupt)):
        encode_raw(Rows(rows, instead), content, output)
    check_nothing_was_written(output)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_ctrl_c_ends_an_encoder_that_is_at_work(
    content: StripFile,
    rows: bytes,
    tmp_path: Path,
    suffix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = tmp_path / f"out{suffix}"
    output.write_text("old")
    stopped, stop = threading.Event(), StoredPng.stop

    def stop_and_tell(stream: StoredPng, error: BaseException) -> None:
        stop(stream, error)
        stopped.set()

    monkeypatch.setattr(StoredPng, "stop", stop_and_tell)

    def interrupt_once() -> bytes:
        os.kill(os.getpid(), signal.SIGINT)
        assert stopped.wait(60), "the signal reaches the thread that waits"
        raw.instead = lambda: io.BytesIO.read(raw, 3 * WIDTH)
        return raw.instead()

    raw = Rows(rows, interrupt_once)
    with pytest.raises(KeyboardInterrupt):
        encode_raw(raw, content, output)
    assert raw.tell() < len(rows), "the rows after it are not asked for"
    check_nothing_was_written(output)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("surplus", [-(WIDTH * 3), -1, 1])
def test_file_of_rows_must_have_the_right_length(
    content: StripFile, rows: bytes, tmp_path: Path, suffix: str, surplus: int
) -> None:
    output = tmp_path / f"out{suffix}"
    output.write_text("old")
    raw = io.BytesIO(rows[:surplus] if surplus < 0 else rows + bytes(surplus))
    size = WIDTH * HEIGHT * 3
    with pytest.raises(OSError, match=f"raw must hold {size} bytes .* got {size + surplus}"):
        encode_raw(raw, content, output)
    check_nothing_was_written(output)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("room", [0, 5_000, 0.5, -1])
def test_no_room_for_the_result_is_an_error(
    content: StripFile, rows: bytes, tmp_path: Path, suffix: str, room: float
) -> None:
    output = tmp_path / f"out{suffix}"
    encode_raw(io.BytesIO(rows), content, output)
    whole = output.stat().st_size
    output.write_text("old")
    # A part of the file, or all but its last byte.
    size = int(whole * room) if 0 < room < 1 else whole - 1 if room < 0 else int(room)
    with files_of_at_most(size), pytest.raises(OSError, match=f"out{suffix}"):
        encode_raw(io.BytesIO(rows), content, output)
    check_nothing_was_written(output)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_all_rows_arrive(content: StripFile, rows: bytes, tmp_path: Path, suffix: str) -> None:
    (tmp_path / "raw").write_bytes(rows)
    encode_raw(tmp_path / "raw", content, tmp_path / f"out{suffix}")
    with Image.open(tmp_path / f"out{suffix}") as image:
        expected = np.frombuffer(rows, np.uint8).reshape(HEIGHT, WIDTH, 3).astype(int)
        difference = np.abs(np.asarray(image.convert("RGB")) - expected)
    # Noise, of which WebP loses most of the colour; black rows would be 128 off.
    assert difference.max(2).mean(1).max() <= (0 if suffix in (".png", ".tif") else 90)


def test_content_that_changed_meanwhile_is_named(rows: bytes, tmp_path: Path) -> None:
    Image.new("RGBA", (WIDTH, HEIGHT)).save(tmp_path / "in.png")
    content = StripFile(tmp_path / "in.png", name="content")
    Image.new("RGBA", (WIDTH, HEIGHT - 1)).save(tmp_path / "in.png")
    with pytest.raises(ValueError, match="content changed while it was read"):
        encode_raw(io.BytesIO(rows), content, tmp_path / "out.png")
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]


def test_file_of_rows_has_no_name(tmp_path: Path) -> None:
    with raw_file(tmp_path / "out.png") as raw:
        raw.write(b"rows")
        raw.flush()
        assert not list(tmp_path.iterdir())


def test_disk_without_room_for_the_rows_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage: Any = type("Usage", (), {"free": 2_999_999})
    monkeypatch.setattr(strip_writing.shutil, "disk_usage", lambda _: usage)
    check_room(tmp_path / "out.png", 1000, 999)
    with pytest.raises(OSError, match="output: an image of 1000x1000 px needs 0.0 GB beside it"):
        check_room(tmp_path / "out.png", 1000, 1000)


def test_no_room_for_the_rows_names_the_output(tmp_path: Path) -> None:
    with (
        files_of_at_most(1000),
        pytest.raises(OSError, match=r"too large: '.*out\.png'"),
        raw_file(tmp_path / "out.png") as raw,
    ):
        raw.write(bytes(100_000))
        raw.flush()
    assert not list(tmp_path.iterdir())
