"""The parts of a video that are stylized already: files in a hidden folder beside the result.

Each part begins with a picture of its own, so that it can be written, and kept, by itself. The
same command finds the parts of one that was ended, and goes on after them.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stylekernel_hf.files.atomic_write import atomic_write, locked_folder, raise_for_target

_PLAN = "plan.json"


@dataclass(frozen=True)
class Segment:
    """A finished part: its frames lie from `first` to `end`, in units of the video's time base.

    `stylized` counts what the network stylized for it, and `state` is what its memory held at the
    end, if it has one.
    """

    path: Path
    stylized: int
    first: int
    end: int
    state: Any = None


class SegmentFolder:
    """The parts of one video; `parts` are those that are finished."""

    def __init__(self, path: Path, parts: Sequence[Segment]) -> None:
        self.path = path
        self.parts = list(parts)

    @property
    def stylized(self) -> int:
        """How many frames the network has stylized for the finished parts."""
        return sum(part.stylized for part in self.parts)

    def next_path(self) -> Path:
        """Return the file for the next part."""
        return self.path / f"{len(self.parts):06}.mp4"

    def finish(self, part: Segment) -> None:
        """Take in a part whose file is written."""
        with part.path.open("rb+") as file:
            os.fsync(file.fileno())
        told = {**asdict(part), "path": part.path.name}
        atomic_write(part.path.with_suffix(".json"), json.dumps(told).encode())
        self.parts.append(part)


def segment_folder_of(target: Path) -> Path:
    """Return the folder in which the parts of a video lie until it is whole."""
    return target.parent / f".{target.name}.segments"


@contextmanager
def segment_folder(target: Path, plan: Mapping[str, Any]) -> Generator[SegmentFolder]:
    """Give the folder for the parts of `target`, with those that the same plan has finished.

    The `plan` holds what JSON can; parts of any other are removed. The folder stays after an error,
    and is removed after success. OSErrors of writing into it name the target.
    """
    folder = segment_folder_of(target)
    try:
        with _held(folder):
            told = json.loads(json.dumps(plan))
            if _read(folder / _PLAN) != told:
                _empty(folder)
                atomic_write(folder / _PLAN, json.dumps(told).encode())
            yield SegmentFolder(folder, _finished_parts(folder))
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise_for_target(error, target, folder)


@contextmanager
def _held(folder: Path) -> Generator[None]:
    folder.mkdir(exist_ok=True)
    with locked_folder(folder):
        # Whoever held it before removed it at the end.
        folder.mkdir(exist_ok=True)
        yield


def _finished_parts(folder: Path) -> list[Segment]:
    parts: list[Segment] = []
    while True:
        path = folder / f"{len(parts):06}.mp4"
        told = _read(path.with_suffix(".json"))
        if told is None or not path.is_file():
            return parts
        told["path"] = path
        parts.append(Segment(**told))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
