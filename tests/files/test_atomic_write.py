"""Files appear whole or not at all, and those left by ended processes are removed."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stylekernel_hf.files.atomic_write import atomic_file, atomic_write, temporary_path
from stylekernel_hf.hub.saving import staged_folder

# Each begins to write, says so, and waits.
WRITERS = {
    "file": "from stylekernel_hf.files.atomic_write import atomic_file as writer",
    "repository": "from stylekernel_hf.hub.saving import staged_folder as writer",
}
CODE = """
import signal, sys, time
signal.signal(signal.{signal}, signal.SIG_DFL)
with writer("target") as path:
    if path.is_dir():
        path = path / "part"
    path.write_bytes(bytes(1000))
    print("writing", flush=True)
    time.sleep(60)
"""


def hidden(folder: Path) -> list[Path]:
    return list(folder.rglob(".*"))


@contextmanager
def writing(kind: str, folder: Path, number: str = "SIGKILL") -> Iterator[subprocess.Popen[bytes]]:
    code = WRITERS[kind] + CODE.format(signal="SIGTERM" if number == "SIGKILL" else number)
    process = subprocess.Popen([sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"writing\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP", "SIGKILL"])
@pytest.mark.parametrize("kind", WRITERS)
def test_next_writer_removes_what_an_ended_process_left(
    tmp_path: Path, kind: str, number: str
) -> None:
    with writing(kind, tmp_path, number) as process:
        process.send_signal(getattr(signal, number))
        process.wait()
    assert len(hidden(tmp_path)) == 1
    atomic_write(tmp_path / "other.json", b"{}")
    assert [path.name for path in tmp_path.iterdir()] == ["other.json"]


@pytest.mark.parametrize("kind", WRITERS)
def test_file_being_written_is_left_alone(tmp_path: Path, kind: str) -> None:
    with writing(kind, tmp_path), temporary_path(tmp_path) as own:
        before = hidden(tmp_path)
        atomic_write(tmp_path / "other.json", b"{}")
        assert hidden(tmp_path) == before
        assert len(before) == 2 and own in before


@pytest.mark.parametrize("name", [".partial-notes", ".hidden", "partial-0123456789abcdef"])
def test_files_of_others_are_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kept").write_text("mine")
    (tmp_path / ".partial-0123456789abcdef").symlink_to(tmp_path / "folder")
    atomic_write(tmp_path / "other.json", b"{}")
    assert (tmp_path / name).read_text() == "mine"
    assert (tmp_path / "folder" / "kept").read_text() == "mine"


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), MemoryError()])
def test_error_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "target"
    target.write_text("old")
    with pytest.raises(type(error)), atomic_file(target) as temporary:
        temporary.write_text("new")
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert target.read_text() == "old"


def test_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    atomic_write(tmp_path / "whole", b"")
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_no_room_names_the_file_and_keeps_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("old")
    with files_of_at_most(1000), pytest.raises(OSError, match="too large: '.*/target'"):
        atomic_write(target, bytes(5000))
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert target.read_text() == "old"


def no_folder(folder: Path) -> Path:
    return folder / "none" / "target"


def a_folder(folder: Path) -> Path:
    (folder / "target").mkdir()
    return folder / "target"


def too_long(folder: Path) -> Path:
    return folder / ("x" * 300)


@pytest.mark.parametrize(
    ("make", "error"),
    [(no_folder, FileNotFoundError), (a_folder, IsADirectoryError), (too_long, OSError)],
)
def test_paths_that_cannot_be_written_are_named(
    tmp_path: Path, make: Callable[[Path], Path], error: type[OSError]
) -> None:
    target = make(tmp_path)
    with pytest.raises(error) as raised:
        atomic_write(target, b"")
    assert raised.value.filename == str(target)
    assert not hidden(tmp_path)


def test_longest_name_is_written(tmp_path: Path) -> None:
    name = "x" * os.pathconf(tmp_path, "PC_NAME_MAX")
    atomic_write(tmp_path / name, b"1")
    assert (tmp_path / name).read_bytes() == b"1"


def test_concurrent_writers_leave_one_anothers_files_alone(tmp_path: Path) -> None:
    code = (
        "from stylekernel_hf.files.atomic_write import atomic_write\n"
        "import sys\n"
        "for i in range(150): atomic_write(f'{sys.argv[1]}-{i}', b'whole')\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(number)], cwd=tmp_path)
        for number in range(3)
    ]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"whole"}
    assert len(list(tmp_path.iterdir())) == 450


def test_new_folder_appears_whole(tmp_path: Path) -> None:
    with staged_folder(tmp_path / "new") as staging:
        (staging / "file").write_text("1")
        assert not (tmp_path / "new").exists()
    assert [path.name for path in tmp_path.rglob("*")] == ["new", "file"]
