"""Video files of every kind, made with PyAV: moving colours, a tone, subtitles, chapters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import av
import numpy as np

WIDTH, HEIGHT = 64, 48
MATRIX_NAMES = {1: "bt709", 2: "bt601", 5: "bt601", 6: "bt601", 9: "bt2020"}


def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray[Any, Any]:
    """Return a smooth picture that moves with the number, RGB."""
    down, across = np.mgrid[0:height, 0:width].astype(float)
    channels = [
        128 + 90 * np.sin(across / 22 + number / 5),
        128 + 90 * np.cos(down / 18 - number / 4),
        128 + 90 * np.sin((across + down) / 28 + number / 3),
    ]
    return np.stack(channels, axis=2).round().astype(np.uint8)


def convert(frame: av.VideoFrame, steps: Sequence[str]) -> av.VideoFrame:
    """Send a frame through FFmpeg's filters."""
    graph = av.filter.Graph()
    base = Fraction(1, 25)
    last = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=base
    )
    frame.pts, frame.time_base = 0, base
    for step in steps:
        name, _, options = step.partition("=")
        after = graph.add(name, options or None)
        last.link_to(after)
        last = after
    last.link_to(graph.add("buffersink"))
    graph.configure()
    graph.push(frame)
    converted: Any = graph.pull()
    return converted


class Clip(NamedTuple):
    """What `save_clip` writes; times are in units of 1/600 s."""

    times: Sequence[int] = tuple(range(0, 240, 24))
    size: tuple[int, int] = (WIDTH, HEIGHT)
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    matrix: int = 1
    range: int = 1
    primaries: int = 1
    transfer: int = 1
    aspect: Fraction | None = None
    rotation: int = 0
    audio: str = ""
    layout: str = "stereo"
    subtitles: bool = False
    options: Mapping[str, str] = MappingProxyType({"crf": "10"})
    container_options: Mapping[str, str] = MappingProxyType({})
    source: Callable[..., np.ndarray[Any, Any]] = picture


def save_clip(path: Path, clip: Clip = Clip()) -> Path:  # noqa: B008
    """Write a clip with a picture at each of its times, and the sound and text asked for."""
    width, height = clip.size
    base = Fraction(1, 600)
    with av.open(str(path), "w", container_options=dict(clip.container_options)) as container:
        container.metadata["title"] = "A clip"
        options = dict(clip.options) if clip.codec.startswith("lib") else {}
        stream: Any = container.add_stream(clip.codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, clip.pixel_format
        context = stream.codec_context
        if clip.codec == "mpeg4":
            context.bit_rate = 4_000_000
        context.time_base = base
        context.colorspace, context.color_range = clip.matrix, clip.range
        context.color_primaries, context.color_trc = clip.primaries, clip.transfer
        if clip.aspect:
            context.sample_aspect_ratio = clip.aspect
        if clip.rotation:
            stream.set_display_rotation(clip.rotation)
        sound: Any = container.add_stream(clip.audio, rate=48000) if clip.audio else None
        if sound is not None:
            sound.layout = clip.layout
        words: Any = None
        if clip.subtitles:
            words = av.open(str(_save_subtitles(path.with_suffix(".srt"))))
            written = container.add_stream_from_template(words.streams[0], opaque=True)
            container.set_chapters(
                [
                    {
                        "id": number,
                        "start": number * 200,
                        "end": (number + 1) * 200,
                        "time_base": Fraction(1, 1000),
                        "metadata": {"title": f"Part {number}"},
                    }
                    for number in range(2)
                ]
            )
        range_name = "pc" if clip.range == 2 else "tv"
        scale = f"scale=out_color_matrix={MATRIX_NAMES[clip.matrix]}:out_range={range_name}"
        steps = [] if clip.pixel_format == "bgr0" else [f"{scale}:flags=accurate_rnd"]
        for number, time in enumerate(clip.times):
            array = clip.source(number, width, height)
            frame = convert(
                av.VideoFrame.from_ndarray(array, "rgb24"), [*steps, f"format={clip.pixel_format}"]
            )
            frame.pts, frame.time_base = time, base
            container.mux(stream.encode(frame))
        if sound is not None:
            _write_tone(container, sound, clip.times[-1] / 600)
        if words is not None:
            with words:
                _write_words(container, words, written)
        container.mux(stream.encode(None))
        if sound is not None:
            container.mux(sound.encode(None))
    return path


def _write_tone(container: Any, stream: Any, seconds: float) -> None:
    samples = max(2048, int(seconds * 48000))
    layout = stream.codec_context.layout
    wave = (0.3 * np.sin(np.arange(samples) / 20)).astype(np.float32)
    for start in range(0, samples - 1024 + 1, 1024):
        channels = np.stack([wave[start : start + 1024]] * len(layout.channels))
        frame = av.AudioFrame.from_ndarray(channels, format="fltp", layout=layout.name)
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        for fitting in _resampled(stream, frame):
            container.mux(stream.encode(fitting))


def _resampled(stream: Any, frame: Any) -> Any:
    context = stream.codec_context
    if not hasattr(stream, "name") or context.format.name == "fltp":
        return [frame]
    resampler = av.AudioResampler(context.format, context.layout, 48000)
    return resampler.resample(frame)


def _write_words(container: Any, words: Any, stream: Any) -> None:
    for packet in words.demux():
        if packet.pts is not None:
            packet.stream = stream
            container.mux(packet)


def _save_subtitles(path: Path) -> Path:
    lines = (
        "1\n00:00:00,000 --> 00:00:00,100\nfirst\n",
        "2\n00:00:00,150 --> 00:00:00,250\nsecond\n",
    )
    path.write_text("\n".join(lines))
    return path


class Decoded(NamedTuple):
    """What is in a file: RGB pictures, their times in seconds, and facts of the stream."""

    pictures: list[np.ndarray[Any, Any]]
    times: list[Fraction]
    tags: tuple[int, int, int, int]
    aspect: Fraction | None
    rotation: int
    codec: str


def decode(path: Path) -> Decoded:
    """Read a file with PyAV's own conversion, by the matrix and range that the file tells."""
    pictures: list[np.ndarray[Any, Any]] = []
    times: list[Fraction] = []
    rotation = 0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        for frame in container.decode(stream):
            is_full = "pc" if frame.color_range == 2 else "tv"
            matrix = MATRIX_NAMES[int(frame.colorspace)]
            steps = [f"scale=in_color_matrix={matrix}:in_range={is_full}:out_range=pc"]
            times.append(Fraction(frame.pts) * frame.time_base)
            rotation = frame.rotation
            rgb = convert(frame, [*steps, "format=rgb24"])
            pictures.append(rgb.to_ndarray())
        tags = (
            int(frame.colorspace),
            int(frame.color_range),
            int(context.color_primaries),
            int(context.color_trc),
        )
        name = context.name
        return Decoded(pictures, times, tags, stream.sample_aspect_ratio, rotation, name)


def packets(path: Path, kind: str) -> list[tuple[float, bytes]]:
    """Return the time in seconds and the bytes of every packet of a kind of stream."""
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        if not streams:
            return []
        return [
            (float(packet.pts * packet.time_base), bytes(packet))
            for packet in container.demux(streams)
            if packet.pts is not None
        ]


def chapters(path: Path) -> list[tuple[Fraction, Fraction, str]]:
    """Return begin, end and title of each chapter."""
    with av.open(str(path)) as container:
        return [
            (each["start"] * base, each["end"] * base, each["metadata"].get("title", ""))
            for each in container.chapters()
            if (base := each["time_base"]) is not None
        ]


def save_words(path: Path) -> None:
    path.write_text("no video, only words\n" * 50)


def save_sound(path: Path) -> None:
    whole = save_clip(path.with_name("whole.mp4"), Clip(audio="aac"))
    with av.open(str(whole)) as source, av.open(str(path), "w", format="mp4") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
