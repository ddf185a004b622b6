"""Pipes are read as images; devices and sockets are refused."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

from stylekernel_hf.images import source
from stylekernel_hf.images.loading import load_image
from stylekernel_hf.large.strip_files import StripFile

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX files")


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), (1, 2, 3)).save(buffer, "PNG")
    return buffer.getvalue()


def fed(pipe: Path, data: bytes) -> threading.Thread:
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[data])
    writer.start()
    return writer


def test_pipe_is_read_to_its_end(tmp_path: Path):
    writer = fed(tmp_path / "pipe", png())
    loaded = load_image(tmp_path / "pipe")
    writer.join()
    assert (loaded.size, loaded.getpixel((5, 5))) == ((40, 30), (1, 2, 3))


def test_empty_pipe_is_an_error_that_names_the_reason(tmp_path: Path):
    writer = fed(tmp_path / "pipe", b"")
    with pytest.raises(ValueError, match="^style must be .* nothing came from .* only once"):
        load_image(tmp_path / "pipe", name="style")
    writer.join()


def test_endless_pipe_is_refused_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(source, "MAX_PIPE_BYTES", 2**20)
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["sh", "-c", 'exec cat /dev/zero > "$0"', str(tmp_path / "pipe")]) as run:
        with pytest.raises(ValueError, match="^content must be a file, or at most 1 MiB from a pi"):
            load_image(tmp_path / "pipe", name="content")
        run.wait(120)


def test_devices_and_sockets_are_refused_by_kind(tmp_path: Path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        with pytest.raises(ValueError, match="^content must be an image file, but .* is a socket"):
            load_image(tmp_path / "s", name="content")
    with pytest.raises(ValueError, match="^content must be .* '/dev/zero' is a device"):
        load_image("/dev/zero", name="content")
    with pytest.raises(IsADirectoryError, match="^content must be .* is a folder"):
        load_image(tmp_path, name="content")
    (tmp_path / "empty.png").touch()
    with pytest.raises(ValueError, match="^content must be .* is empty"):
        load_image(tmp_path / "empty.png", name="content")


def test_strips_are_not_read_from_a_pipe(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="^content must be a file .* read again, not a pipe"):
        StripFile(tmp_path / "pipe", name="content")


@pytest.mark.parametrize("word", ["/dev/stdin", "-"])
def test_photo_and_style_come_through_pipes_in_the_shell(tmp_path: Path, word: str):
    Image.radial_gradient("L").resize((64, 64)).save(tmp_path / "style.png")
    (tmp_path / "photo.png").write_bytes(png())
    command = f"{sys.executable} -m stylekernel_hf.cli stylize {word} <(cat style.png) -o out.png"
    run = subprocess.run(
        ["bash", "-c", f"cat photo.png | {command} --style-size 64"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert load_image(tmp_path / "out.png").size == (40, 30)
