"""Stylized frames as pictures: a folder of PNG files, or an animated GIF, WebP or PNG file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from stylekernel_hf.files.atomic_write import atomic_file, temporary_path
from stylekernel_hf.files.output_paths import check_output_folder
from stylekernel_hf.images.writing import save_image
from stylekernel_hf.video.clip import open_clip, video_stream
from stylekernel_hf.video.encoding import Encoding
from stylekernel_hf.video.formats import VideoFormat, names_frames, video_format
from stylekernel_hf.video.pictures import holds_pictures
from stylekernel_hf.video.pyav import EndOfFileError, Graph, av, system_errors
from stylekernel_hf.video.segments import Segment

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.frame import VideoFrame


@dataclass(frozen=True)
class _Kind:
    """How FFmpeg writes moving pictures: its encoder, and in what unit files count times."""

    encoder: str
    pixel_format: str
    time_base: Fraction
    muxer_options: dict[str, str]


# All are shown again and again.
_KINDS = {
    "gif": _Kind("gif", "pal8", Fraction(1, 100), {"loop": "0"}),
    "webp": _Kind("libwebp_anim", "bgra", Fraction(1, 1000), {"loop": "0"}),
    "apng": _Kind("apng", "rgb24", Fraction(1, 1000), {"plays": "0"}),
}
_OTHERS = {"audio": "sound", "subtitle": "subtitles"}
# A palette for every frame; the pattern of dots stays in place from frame to frame.
_PALETTE = "stats_mode=single:reserve_transparent=0"
_DOTS = "new=1:dither=bayer:bayer_scale=4"


def check_frames_folder(path: Path, *, name: str) -> None:
    """Raise OSError or ValueError, with the argument's name, unless a new folder can be made."""
    check_output_folder(path.parent, name=name)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{name}: no such folder: '{path.parent}'")
    if path.is_dir() and any(path.iterdir()):
        raise FileExistsError(f"{name} must be a new or an empty folder, but '{path}' holds files")


def write_pictures(
    content: str | os.PathLike[str],
    parts: Sequence[Segment],
    encoding: Encoding,
    target: Path,
    quality: int,
    names: Sequence[str],
) -> list[str]:
    """Write a folder or file of pictures; say what of the clip they cannot hold."""
    if names_frames(target):
        write_frames(parts, target, names)
    else:
        with atomic_file(target) as temporary:
            kind = video_format(target, name="output")
            write_animation(parts, encoding, temporary, kind, quality)
    return _lost_streams(content)


def write_frames(parts: Sequence[Segment], target: Path, names: Sequence[str]) -> None:
    """Write a folder of PNG files, which appears whole or not at all.

    Files have these `names`, or count from 000001 where there is not one for each frame.
    """
    total = sum(1 for _ in _decoded(parts))
    if len({*names}) != total:
        names = [f"{number:06}" for number in range(1, total + 1)]
    with temporary_path(target.parent, folder=True) as folder:
        for (frame, _), name in zip(_decoded(parts), names, strict=True):
            pixels: Any = frame.to_ndarray(format="rgb24")
            save_image(Image.fromarray(pixels), folder / f"{name}.png")
        if target.is_dir():
            target.rmdir()
        folder.replace(target)


@system_errors()
def write_animation(
    parts: Sequence[Segment], encoding: Encoding, path: Path, kind: VideoFormat, quality: int
) -> None:
    """Write a file of moving pictures; its times are rounded to the units that it counts in."""
    how = _KINDS[kind.muxer]
    base = encoding.time_base
    last = max(1, round((parts[-1].end - _last_time(parts[-1])) * base / how.time_base))
    options = how.muxer_options | ({} if kind.muxer == "webp" else {"final_delay": str(last)})
    if kind.muxer == "apng":
        options["final_delay"] = f"{last}/1000"
    with av.open(f"file:{path}", "w", format=kind.muxer, container_options=options) as target:
        stream: Any = target.add_stream(how.encoder, rate=encoding.rate)
        stream.width, stream.height = encoding.width, encoding.height
        stream.pix_fmt = how.pixel_format
        stream.codec_context.time_base = how.time_base
        if kind.muxer == "webp":
            stream.options = {"quality": str(quality)}
        graph, before = _graph(encoding, how), -1
        for frame, time in _decoded(parts):
            before = max(before + 1, round(time * base / how.time_base))
            frame.pts, frame.time_base = before, how.time_base
            graph.push(frame)
            _encode_what_is_ready(graph, stream, target)
        graph.push(None)
        _encode_what_is_ready(graph, stream, target)
        target.mux(stream.encode(None))


def _encode_what_is_ready(graph: Graph, stream: Any, target: OutputContainer) -> None:
    # Palettes wait for the next frame.
    with suppress(BlockingIOError, EndOfFileError):
        while True:
            frame: Any = graph.pull()
            target.mux(stream.encode(frame))


def _graph(encoding: Encoding, how: _Kind) -> Graph:
    graph = Graph()
    width, height = encoding.width, encoding.height
    source = graph.add_buffer(
        width=width,
        height=height,
        format=av.VideoFormat("rgb24", width, height),
        time_base=how.time_base,
    )
    if how.encoder == "gif":
        both, palette = graph.add("split"), graph.add("palettegen", _PALETTE)
        last = graph.add("paletteuse", _DOTS)
        source.link_to(both)
        both.link_to(last, 0, 0)
        both.link_to(palette, 1, 0)
        palette.link_to(last, 0, 1)
    else:
        last = graph.add("format", how.pixel_format)
        source.link_to(last)
    last.link_to(graph.add("buffersink"))
    graph.configure()
    return graph


def _decoded(parts: Sequence[Segment]) -> Iterator[tuple[VideoFrame, int]]:
    """Yield the frames as RGB, with the times at which they are shown."""
    for part in parts:
        with av.open(f"file:{part.path}") as container:
            for frame in container.decode(video=0):
                yield frame.reformat(format="rgb24"), part.first + (frame.pts or 0)


def _last_time(part: Segment) -> int:
    with av.open(f"file:{part.path}") as container:
        return part.first + max(packet.pts or 0 for packet in container.demux(video=0))


def _lost_streams(content: str | os.PathLike[str]) -> list[str]:
    """Say what beside its pictures a clip holds, which pictures cannot."""
    if holds_pictures(content):
        return []
    with open_clip(content, name="content") as source:
        video = video_stream(source, os.fspath(content), name="content")
        kinds = {each.type for each in source.streams if each.index != video.index}
    lost = [word for kind, word in _OTHERS.items() if kind in kinds]
    return [f"pictures cannot hold the clip's {' and '.join(lost)}: left out"] if lost else []
