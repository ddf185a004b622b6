"""What is missing in the middle of a Matroska file, found by its packets alone."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from stylekernel_hf.video.clip import open_clip
from stylekernel_hf.video.pyav import END_ERRORS, FFmpegError
from stylekernel_hf.video.timeline import beginning, video_streams

# The headers of blocks and clusters, in bytes.
_BETWEEN_PACKETS = 256
# Matroska counts in milliseconds.
_ROUNDING = Fraction(5, 1000)
# Pictures are stored before those that they are shown after, in seconds.
_MOST_AHEAD = Fraction(1)
# With it a file begins, also one that was joined to another.
_HEADER = b"\x1a\x45\xdf\xa3"
_CLUSTER = b"\x1f\x43\xb6\x75"


class Hole(NamedTuple):
    """From a time on, counted from the clip's beginning, so many seconds are missing."""

    time: Fraction
    seconds: Fraction


def holes_damage(
    path: str | os.PathLike[str], start: float, end: float | None, *, name: str
) -> str:
    """Say what is missing in the middle between two times, in seconds; errors begin with `name`."""
    holes = [
        hole
        for hole in find_holes(path, name=name)
        if hole.time + hole.seconds > start and (end is None or hole.time < end)
    ]
    if not holes:
        return ""
    places = "1 place" if len(holes) == 1 else f"{len(holes)} places"
    return (
        f"{name}: '{os.fspath(path)}' is damaged, pictures or sound are missing in {places}, first "
        f"{float(holes[0].seconds):.2f} s at {float(holes[0].time):.1f} s"
    )


def find_holes(path: str | os.PathLike[str], *, name: str) -> list[Hole]:
    """Return where packets of a Matroska file are missing; of other kinds of file, nothing.

    Where bytes are damaged FFmpeg goes on with the next cluster, and marks nothing: the times go on
    later, as they do after a pause. But then bytes of the file belong to no packet.
    """
    with open_clip(path, name=name) as container:
        if "matroska" not in container.format.name:
            return []
        origin = beginning(container, next(iter(video_streams(container)), None))
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found = _find(_packets(container), data)
            return [Hole(hole.time - origin, hole.seconds) for hole in found]


def _find(packets: Iterator[Any], data: mmap.mmap) -> list[Hole]:
    holes: list[Hole] = []
    expected: dict[int, Fraction] = {}
    """When the next packet of a stream is expected."""
    waiting: set[int] = set()
    """Streams that had no packet since bytes were passed over, in which theirs may have been."""
    begin = end = 0
    is_told = False
    for packet in packets:
        if packet.pos != begin and end and packet.pos - end > _BETWEEN_PACKETS:
            if data.find(_HEADER, end, packet.pos) >= 0:
                expected.clear()
            if data.find(_CLUSTER, end, packet.pos) >= 0:
                waiting, is_told = set(expected), False
        if packet.pos != begin:
            begin = end = packet.pos
        end += packet.size  # One block may hold several packets.
        index, base = packet.stream.index, packet.time_base
        time, duration = packet.pts * base, (packet.duration or 0) * base
        missing = time - expected.get(index, time)
        expected[index] = time + max(duration, -missing)
        if index not in waiting:
            continue
        waiting.remove(index)
        if missing > (_ROUNDING if packet.stream.type == "audio" else _MOST_AHEAD):
            begins, ends = time - missing, time
            if is_told:
                last = holes.pop()
                begins, ends = min(begins, last.time), max(ends, last.time + last.seconds)
            holes.append(Hole(begins, ends - begins))
            is_told = True
    return holes


def _packets(container: Any) -> Iterator[Any]:
    """Yield the packets of pictures, sound and all else that have a time and a place."""
    packets = container.demux()
    while True:
        try:
            packet = next(packets, None)
        except (*END_ERRORS, FFmpegError):
            return
        if packet is None:
            return
        if packet.size and packet.pos is not None and packet.pts is not None:
            yield packet
