"""Limits of a server that many visitors share."""

from __future__ import annotations

import os
from dataclasses import dataclass, field


def _models_of_environment() -> tuple[str, ...] | None:
    listed, space = os.environ.get("STYLEKERNEL_MODELS"), os.environ.get("SPACE_ID")
    if listed is not None:
        return tuple(name.strip() for name in listed.split(",") if name.strip())
    return (f"{space.partition('/')[0]}/*",) if space else None


@dataclass(frozen=True)
class Limits:
    """Limits of one request, of the queue, and of the files that are kept.

    - upload_bytes: of one uploaded file.
    - pixels, min_side: of one picture. One with more pixels is scaled down.
    - most_pixels: of a picture that is scaled down; one with more is refused before it is decoded.
    - decode_seconds: of a processor, for decoding one picture.
    - paintings: mixed into one picture.
    - folder_files: photos of one folder.
    - video_bytes, video_seconds: of an uploaded clip, and its length.
    - video_pixels: of a frame of it. Frames are scaled down to a longer side of `video_side` px,
      and thinned out to `video_rate` a second.
    - video_decode_seconds: of a processor, for decoding one clip.
    - video_work_seconds: the network's work on one clip.
    - cameras: that run at once; camera_seconds: of each; camera_side: longer side of its pictures.
    - seconds: the network's work on one request; the waiting in the queue is not counted.
    - waiting: requests in the queue; another one is told to come back later.
    - waiting_each: requests in the queue that one session may have of a kind: small ones, or large.
    - patience: seconds that a request waits for somebody to listen for its answer.
    - workers: small requests worked on at once, large ones, and series of small ones, each.
    - hub_bytes, fetch_seconds: a checkpoint fetched from the Hub.
    - models: ids of those that are offered, or patterns such as "owner/*"; None offers all. Unless
      given they are what the variable STYLEKERNEL_MODELS lists, separated by commas; without it
      those of the owner on a Space, and elsewhere all.
    - keep_seconds: how long files of visitors stay on the disk.
    - visitor_bytes: uploads of one visitor within `keep_seconds`.
    - stored_bytes: all uploads and results on the disk; beyond it the oldest are deleted.
    - layer_bytes: all that is painted on photos and waits in memory to be used.
    - sessions: visitors whose page's state is in memory, with some 170 KB each.
    """

    upload_bytes: int = 25 * 2**20
    pixels: int = 32_000_000
    most_pixels: int = 110_000_000
    min_side: int = 16
    decode_seconds: float = 6
    paintings: int = 4
    folder_files: int = 40
    video_bytes: int = 64 * 2**20
    video_seconds: float = 15
    video_pixels: int = 9_000_000
    video_side: int = 720
    video_rate: int = 30
    video_decode_seconds: float = 60
    video_work_seconds: float = 900
    cameras: int = 2
    camera_seconds: float = 300
    camera_side: int = 384
    seconds: float = 180
    waiting: int = 128
    waiting_each: int = 2
    patience: float = 60
    workers: int = 1
    hub_bytes: int = 400 * 2**20
    fetch_seconds: float = 90
    models: tuple[str, ...] | None = field(default_factory=_models_of_environment)
    keep_seconds: int = 3600
    visitor_bytes: int = 1024 * 2**20
    stored_bytes: int = 4096 * 2**20
    layer_bytes: int = 64 * 2**20
    sessions: int = 200
