"""What video files can be written, and how their pictures are compressed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from stylekernel_hf.errors.given_values import as_integer, shown
from stylekernel_hf.images.animation import is_animated

DEFAULT_QUALITY = 80


@dataclass(frozen=True)
class Codec:
    """A way to compress pictures, by FFmpeg's name of its `encoder`.

    `coarsest` and `finest` are the constant rate factors of the qualities 0 and 100, which the
    encoder's option `factor` takes.
    """

    name: str
    encoder: str
    coarsest: float
    finest: float
    options: tuple[tuple[str, str], ...]
    even_sides: bool
    """Whether sides of a picture with halved colour resolution must be even."""
    factor: str = "crf"

    def options_for(self, quality: int) -> dict[str, str]:
        """Return the encoder's options for a quality from 1 to 100."""
        factor = self.coarsest + (self.finest - self.coarsest) * quality / 100
        return {self.factor: f"{factor:.0f}", **dict(self.options)}


CODECS = {
    codec.name: codec
    for codec in (
        Codec("h264", "libx264", 37, 12, (("preset", "superfast"),), True),
        Codec(
            "hevc", "libx265", 40, 15, (("preset", "fast"), ("x265-params", "log-level=0")), True
        ),
        Codec(
            "vp9",
            "libvpx-vp9",
            60,
            23,
            (("b", "0"), ("deadline", "good"), ("cpu-used", "4"), ("row-mt", "1")),
            False,
        ),
    )
}


LOSSLESS = Codec("lossless", "libx264rgb", 0, 0, (("preset", "ultrafast"),), False)
"""How frames wait for a result that is pictures: nothing is lost, in RGB."""


@dataclass(frozen=True)
class VideoFormat:
    """A kind of video file: FFmpeg's name of its `muxer`, and what may be in it.

    The first of the `codecs` is the default; animated pictures have none to choose. Sound that the
    file cannot hold as it is becomes that of the encoder `audio`.
    """

    muxer: str
    codecs: tuple[str, ...]
    audio: str


_MP4 = VideoFormat("mp4", ("h264", "hevc", "vp9"), "aac")
FORMATS = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": VideoFormat("mov", ("h264", "hevc"), "aac"),
    ".mkv": VideoFormat("matroska", ("h264", "hevc", "vp9"), "aac"),
    ".webm": VideoFormat("webm", ("vp9",), "libopus"),
}
ANIMATIONS = {
    ".gif": VideoFormat("gif", (), ""),
    ".webp": VideoFormat("webp", (), ""),
    ".apng": VideoFormat("apng", (), ""),
}
"""Pictures that move, without sound."""

# What is taken for a video by its name; others are read, too, by `stylize_video`.
_OTHER_SUFFIXES = ".3gp .avi .flv .m2ts .mpeg .mpg .mts .mxf .ogv .ts .vob .wmv .y4m"  # Only read.
_SUFFIXES = {*FORMATS, *_OTHER_SUFFIXES.split()}


def is_video_name(path: Path) -> bool:
    """Say whether a file is a video by its suffix."""
    return path.suffix.lower() in _SUFFIXES


def is_clip(content: Path, output: Path) -> bool:
    """Say whether a content becomes frames in time: a video, a folder, or an animated picture.

    An animated picture does where the result, too, can move and PyAV is installed; otherwise its
    first frame is a photo.
    """
    if is_video_name(content) or os.path.isdir(content):
        return True
    moves = is_video_name(output) or output.suffix.lower() in ANIMATIONS or names_frames(output)
    return moves and find_spec("av") is not None and is_animated(content)


def output_suffix(path: Path) -> str:
    """Return the suffix for the result of a video: its own, or .mp4 if that is not written."""
    suffix = path.suffix.lower()
    if suffix == ".png":
        return ".apng"
    return suffix if suffix in {**FORMATS, **ANIMATIONS} else ".mp4"


def names_frames(path: Path) -> bool:
    """Say whether a result is a folder of frames: one that exists, or a name without a suffix."""
    return os.path.isdir(path) or not path.suffix


def video_format(path: Path, *, name: str) -> VideoFormat:
    """Return the kind of file that a suffix stands for; ValueError with the name for another."""
    known = {**FORMATS, **ANIMATIONS}
    found = known.get(path.suffix.lower())
    if found is None:
        *others, last = known
        raise ValueError(
            f"{name} must end in {', '.join(others)} or {last}, or be a folder, got '{path}'"
        )
    return found


def choose_codec(codec: str | None, path: Path) -> Codec:
    """Return the codec of this name, or the usual one of the file; ValueError for what cannot be.

    Pictures take none, and wait for it without loss.
    """
    if names_frames(path) or path.suffix.lower() in ANIMATIONS:
        if codec is not None:
            raise ValueError(f"codec must be left out for pictures, got {codec!r} for '{path}'")
        return LOSSLESS
    allowed = video_format(path, name="output").codecs
    if codec is None:
        codec = allowed[0]
    if codec not in CODECS:
        *others, last = map(repr, CODECS)
        raise ValueError(f"codec must be {', '.join(others)} or {last}, got {shown(codec)}")
    if codec not in allowed:
        listed = " or ".join(map(repr, allowed))
        raise ValueError(f"codec must be {listed} for a {path.suffix} file, got {codec!r}")
    return CODECS[codec]


def check_quality(quality: object) -> int:
    """Return a quality from 1 to 100 as an integer."""
    return as_integer(quality, "quality", low=1, high=100)


def tells_aspect(codec: Codec, path: Path) -> bool:
    """Say whether a file can tell that pixels are not square.

    PyAV does not let Matroska tell it; the codecs of the MPEG tell it themselves.
    """
    kind = FORMATS.get(path.suffix.lower())
    return kind is not None and (codec.name != "vp9" or kind.muxer == "mp4")
