"""A video file that is to be read: what it holds, known before any frame is decoded."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from stylekernel_hf.errors.messages import first_line
from stylekernel_hf.styles.picture_size import MIN_SIDE
from stylekernel_hf.video.colors import VideoColors
from stylekernel_hf.video.pyav import FFmpegError, InvalidDataError, av
from stylekernel_hf.video.timeline import beginning, may_jump, video_streams

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

MAX_SIDE = 8192
MAX_PIXELS = 2**25
USUAL_RATE = Fraction(25)
"""Frames a second where nothing tells them."""
_FINEST_TIME = 1_000_000
# What describes other files, or is no video, is not opened: it would make FFmpeg open them.
_DEMUXERS = (
    "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,nut,ivf,dv,rm,wtv,h264,hevc,obu,m4v,"
    "yuv4mpegpipe"
)
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": _DEMUXERS}


@dataclass(frozen=True)
class ClipFacts:
    """What is known of a clip; `width` and `height` are those of upright frames.

    Times count in units of `time_base`, 1 / n of a second, from the file's own time `origin` on, in
    seconds. `turn` is the counter-clockwise rotation, in degrees, that
    makes frames upright, `aspect` the width of a pixel over its height. `stream_seconds` is what
    the file tells of the pictures themselves, `seconds` what it tells at all.
    """

    width: int
    height: int
    aspect: Fraction
    turn: int
    rate: Fraction
    stream_time_base: Fraction
    time_base: Fraction
    origin: Fraction
    frame_count: int | None
    seconds: float | None
    stream_seconds: float | None
    colors: VideoColors
    interlaced: bool


@contextmanager
def open_clip(path: str | os.PathLike[str], *, name: str) -> Generator[InputContainer]:
    """Open a video file; each error begins with the argument's name.

    FileNotFoundError, IsADirectoryError or another OSError for the path, ValueError for a file
    that is no video.
    """
    text = os.fspath(path)
    try:
        with open(text, "rb"):
            pass
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{name}: no such file: '{text}'") from error
    except IsADirectoryError as error:
        raise IsADirectoryError(f"{name} must be a video file, but '{text}' is a folder") from error
    except OSError as error:
        raise type(error)(f"{name}: cannot open '{text}': {error.strerror}") from error
    try:
        # With the protocol told, no colon in the name is taken for one.
        container = av.open(
            f"file:{text}", "r", container_options=dict(_OPTIONS), metadata_errors="replace"
        )
    except FFmpegError as error:
        raise ValueError(
            f"{name} must be a video file, but '{text}' is none that can be read: "
            f"{error.strerror or first_line(error)}"
        ) from error
    with container:
        yield container


def video_stream(container: InputContainer, path: str, *, name: str) -> VideoStream:
    """Return the stream of moving pictures; ValueError for a file without."""
    streams = video_streams(container)
    if not streams:
        held = ", ".join(sorted({each.type for each in container.streams})) or "nothing"
        raise ValueError(f"{name} must hold a video, but '{path}' holds only {held}")
    return streams[0]


def look_at_clip(path: str | os.PathLike[str], *, name: str) -> ClipFacts:
    """Read what a file says of its video, and its first frame.

    ValueError for what cannot be stylized: without frames, too small or large, or of high dynamic
    range.
    """
    text = os.fspath(path)
    with open_clip(path, name=name) as container:
        stream = video_stream(container, text, name=name)
        check_size(stream.width, stream.height, text, name)
        frame = _first_frame(container, stream)
        if frame is None:
            raise ValueError(f"{name} must have frames that can be decoded, but '{text}' has none")
        check_size(frame.width, frame.height, text, name)
        colors = _colors(stream, frame)
        if colors.hdr is not None:
            raise ValueError(
                f"{name} must be of standard dynamic range, but '{text}' is HDR ({colors.hdr}): "
                "convert it to BT.709 first, with a tool that maps its tones"
            )
        turn = _upright_turn(frame.rotation)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        sides = (frame.width, frame.height)
        turned = turn in (90, -90)
        origin = beginning(container, stream)
        seconds, whole = _stream_seconds(stream, origin), _whole_seconds(container)
        if may_jump(container):
            # FFmpeg takes the last time for the length, that of one of several recordings.
            seconds = whole = None
        own_base = stream.time_base or Fraction(1, _FINEST_TIME)
        return ClipFacts(
            *(sides[::-1] if turned else sides),
            aspect=1 / aspect if turned else aspect,
            turn=turn,
            rate=stream.average_rate or stream.guessed_rate or USUAL_RATE,
            stream_time_base=own_base,
            time_base=Fraction(1, min(own_base.denominator, _FINEST_TIME)),
            origin=origin,
            frame_count=stream.frames or None,
            seconds=seconds or whole,
            stream_seconds=seconds,
            colors=colors,
            interlaced=frame.interlaced_frame,
        )


def _first_frame(container: InputContainer, stream: VideoStream) -> VideoFrame | None:
    # Frames before the first key frame may be undecodable.
    for packet in container.demux(stream):
        try:
            for frame in packet.decode():
                return frame
        except InvalidDataError:
            continue
        except FFmpegError:
            return None
    return None


def check_size(width: int, height: int, path: str, name: str) -> None:
    """Raise ValueError, with the argument's name, for frames that are too small or too large."""
    if not (width and height):
        raise ValueError(f"{name} must have frames that can be decoded, but '{path}' has none")
    if min(width, height) < MIN_SIDE:
        raise ValueError(
            f"{name} must be at least {MIN_SIDE} px a side, but '{path}' has {width}x{height}"
        )
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise ValueError(
            f"{name} must have at most {MAX_SIDE} px a side and {MAX_PIXELS / 1e6:.0f} megapixels, "
            f"but '{path}' has {width}x{height}"
        )


def _colors(stream: VideoStream, frame: VideoFrame) -> VideoColors:
    context = stream.codec_context
    # Releases of PyAV before 17 tell primaries and transfer only of the stream.
    return VideoColors(
        int(frame.colorspace),
        int(frame.color_range),
        int(getattr(frame, "color_primaries", context.color_primaries)),
        int(getattr(frame, "color_trc", context.color_trc)),
    )


def _upright_turn(rotation: int) -> int:
    """Return the nearest of four turns; cameras tell no other."""
    turn = round(rotation / 90) * 90
    return 180 if turn == -180 else turn


def _stream_seconds(stream: VideoStream, origin: Fraction) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    told = stream.metadata.get("DURATION", "")  # Matroska's, such as 00:01:02.500000000.
    try:
        hours, minutes, seconds = map(float, told.split(":"))
    except ValueError:
        return None
    told = hours * 3600 + minutes * 60 + seconds
    # Some programs tell the end instead.
    return told - float(origin) if told > origin else told


def _whole_seconds(container: InputContainer) -> float | None:
    duration = container.duration
    return None if not duration or duration < 0 else duration / av.time_base
