"""What video files can be written, and how their pictures are compressed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stylekernel_hf.errors.given_values import as_integer, shown

DEFAULT_QUALITY = 80


@dataclass(frozen=True)
class Codec:
    """A way to compress pictures, by FFmpeg's name of its `encoder`.

    `coarsest` and `finest` are the constant rate factors of the qualities 0 and 100.
    """

    name: str
    encoder: str
    coarsest: float
    finest: float
    options: tuple[tuple[str, str], ...]
    even_sides: bool
    """Whether sides of a picture with halved colour resolution must be even."""

    def options_for(self, quality: int) -> dict[str, str]:
        """Return the encoder's options for a quality from 1 to 100."""
        factor = self.coarsest + (self.finest - self.coarsest) * quality / 100
        return {"crf": f"{factor:.0f}", **dict(self.options)}


CODECS = {
    codec.name: codec
    for codec in (
        Codec("h264", "libx264", 38, 13, (("preset", "faster"),), True),
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


@dataclass(frozen=True)
class VideoFormat:
    """A kind of video file: FFmpeg's name of its `muxer`, and what may be in it.

    The first of the `codecs` is the default. Sound that the file cannot hold as it is becomes that
    of the encoder `audio`.
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


# What is taken for a video by its name; others are read, too, by `stylize_video`.
_OTHER_SUFFIXES = ".3gp .avi .flv .m2ts .mpeg .mpg .mts .mxf .ogv .ts .vob .wmv .y4m"  # Only read.
_SUFFIXES = {*FORMATS, *_OTHER_SUFFIXES.split()}


def is_video_name(path: Path) -> bool:
    """Say whether a file is a video by its suffix."""
    return path.suffix.lower() in _SUFFIXES


def output_suffix(path: Path) -> str:
    """Return the suffix for the result of a video: its own, or .mp4 if that is not written."""
    suffix = path.suffix.lower()
    return suffix if suffix in FORMATS else ".mp4"


def video_format(path: Path, *, name: str) -> VideoFormat:
    """Return the kind of file that a suffix stands for; ValueError with the name for another."""
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        *others, last = FORMATS
        raise ValueError(f"{name} must end in {', '.join(others)} or {last}, got '{path}'")
    return found


def choose_codec(codec: str | None, path: Path) -> Codec:
    """Return the codec of this name, or the usual one of the file; ValueError for what cannot be.

    ValueError, too, where this installation of FFmpeg has no encoder for it.
    """
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
    return codec.name != "vp9" or FORMATS[path.suffix.lower()].muxer == "mp4"
