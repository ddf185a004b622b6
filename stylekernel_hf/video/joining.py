"""The whole video: its stylized parts, and all else that the clip held."""

from __future__ import annotations

import heapq
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stylekernel_hf.files.atomic_write import atomic_file
from stylekernel_hf.video.clip import open_clip, video_stream
from stylekernel_hf.video.encoding import Encoding
from stylekernel_hf.video.formats import VideoFormat, video_format
from stylekernel_hf.video.other_streams import OtherStreams, Shift
from stylekernel_hf.video.pictures import holds_pictures
from stylekernel_hf.video.pyav import InvalidDataError, av, system_errors
from stylekernel_hf.video.segments import Segment
from stylekernel_hf.video.video_track import VideoTrack

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer

# What describes the container of the clip, not the clip.
_OF_THE_CONTAINER = {"major_brand", "minor_version", "compatible_brands", "encoder"}
# What MP4 and QuickTime files hold without being asked to hold anything.
_USUAL_TAGS = {
    "album",
    "album_artist",
    "artist",
    "comment",
    "composer",
    "copyright",
    "creation_time",
    "date",
    "description",
    "episode_id",
    "genre",
    "grouping",
    "location",
    "lyrics",
    "network",
    "show",
    "synopsis",
    "title",
    "track",
}


def join(
    content: str | os.PathLike[str],
    parts: Sequence[Segment],
    encoding: Encoding,
    output: Path,
    shift: Shift,
    *,
    metadata: bool,
) -> list[str]:
    """Write the parts and the clip's other streams to a file; say what was changed or left out.

    The file appears whole or not at all.
    """
    kind = video_format(output, name="output")
    with atomic_file(output) as path, system_errors():
        if not holds_pictures(content):
            with open_clip(content, name="content") as source:
                return _join(source, content, parts, encoding, path, kind, shift, metadata)
        with _opened(path, kind, {}) as target:
            for _, packet in VideoTrack(target, parts, encoding).packets():
                target.mux_one(packet)
        return []


def _join(
    source: InputContainer,
    content: str | os.PathLike[str],
    parts: Sequence[Segment],
    encoding: Encoding,
    path: Path,
    kind: VideoFormat,
    shift: Shift,
    metadata: bool,
) -> list[str]:
    tags = _kept_tags(source.metadata) if metadata else {}
    with _opened(path, kind, tags) as target:
        track = VideoTrack(target, parts, encoding)
        video = video_stream(source, os.fspath(content), name="content")
        if metadata:
            track.describe(video)
        others = OtherStreams(content, source, video, target, kind, shift)
        # All at once would fill the memory with whichever comes first.
        for _, packet in heapq.merge(track.packets(), others.packets(), key=lambda timed: timed[0]):
            try:
                target.mux_one(packet)
            except InvalidDataError:
                continue  # Sound of the clip is damaged; the pictures were encoded here.
        return others.notes


def _opened(path: Path, kind: VideoFormat, tags: dict[str, str]) -> OutputContainer:
    options = _container_options(kind, tags)
    target = av.open(f"file:{path}", "w", format=kind.muxer, container_options=options)
    target.metadata.update(tags)
    return target


def _container_options(kind: VideoFormat, tags: dict[str, str]) -> dict[str, str]:
    """Return the muxer's options: a file that plays while it is fetched, and holds all tags."""
    if kind.muxer not in ("mp4", "mov"):
        return {}
    more = "+use_metadata_tags" if tags.keys() - _USUAL_TAGS else ""
    return {"movflags": f"+faststart{more}"}


def _kept_tags(metadata: dict[str, str]) -> dict[str, str]:
    """Return what is written about the clip itself."""
    return {key: value for key, value in metadata.items() if key.lower() not in _OF_THE_CONTAINER}
