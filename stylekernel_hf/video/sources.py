"""Clips of every kind: video files, animated pictures and folders of frames."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

from stylekernel_hf.images.folder import list_images
from stylekernel_hf.video.clip import ClipFacts, look_at_clip
from stylekernel_hf.video.frames import FrameReader
from stylekernel_hf.video.holes import holes_damage
from stylekernel_hf.video.pictures import (
    AnimationReader,
    FolderReader,
    holds_pictures,
    look_at_pictures,
)
from stylekernel_hf.video.sound_check import sound_damage
from stylekernel_hf.video.timed_reader import TimedReader

# By so much files may tell more than there is.
_SLACK_SECONDS = 0.05


def look_at(
    path: str | os.PathLike[str], rate: Fraction | None, *, name: str
) -> tuple[ClipFacts, type[TimedReader], Fraction | None]:
    """Return what is known of a clip, what reads it, and the rate to bring its frames to.

    Errors begin with the argument's `name`.
    """
    if not holds_pictures(path):
        return look_at_clip(path, name=name), FrameReader, rate
    facts = look_at_pictures(path, name=name, rate=rate)
    # The rate is that of the folder itself: its files have no times.
    return (facts, FolderReader, None) if os.path.isdir(path) else (facts, AnimationReader, rate)


def identity(clip: str | os.PathLike[str]) -> list[object]:
    """Return what is the same only while a clip is, as what JSON can hold."""
    path = Path(clip)
    files = list_images(path, name="content") if path.is_dir() else [path]
    told = [(str(file.absolute()), file.stat()) for file in files]
    return [[name, status.st_size, status.st_mtime_ns] for name, status in told]


def damage_of(reader: TimedReader, *, sound: bool) -> str:
    """Say why not all of the clip could be read, its sound if wanted; nothing if it could."""
    found = [_pictures_damage(reader)]
    if isinstance(reader, FrameReader):
        part = reader.path, reader.start, reader.end
        found.append(holes_damage(*part, name=reader.name))
        if sound:
            found.append(sound_damage(*part, name=reader.name))
    return "; ".join(each for each in found if each)


def _pictures_damage(reader: TimedReader) -> str:
    facts, damage = reader.facts, reader.damage
    if damage.packets:
        return (
            f"content: '{os.fspath(reader.path)}' is damaged, {damage.packets} of its packets or "
            f"pictures could not be decoded: {damage.reason}"
        )
    read = float(reader.last * facts.time_base)
    slack = _SLACK_SECONDS + 2 / facts.rate
    told = facts.stream_seconds
    if reader.end is None and told and read + slack < told:
        return (
            f"content: '{os.fspath(reader.path)}' is cut short, {read:.2f} of "
            f"{told:.2f} s could be read"
        )
    return ""
