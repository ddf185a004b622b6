"""Videos from file to file: what comes out is decoded again and compared."""

from __future__ import annotations

import logging
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("av", reason="needs PyAV")

import av
from av.stream import Disposition
from av.video.stream import VideoStream

from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.video import stylizing
from stylekernel_hf.video.stylizing import stylize_video
from tests.tiny import save_picture
from tests.video.clips import Clip, chapters, decode, packets, picture, save_clip

IRREGULAR = (0, 20, 45, 50, 120, 121, 200, 230, 400, 410)


def difference(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


def seconds(times: tuple[int, ...]) -> list[Fraction]:
    return [Fraction(time, 600) for time in times]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".m4v"])
@pytest.mark.parametrize("size", [(64, 48), (65, 49)])
def test_frames_keep_their_size_number_and_times(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path, suffix: str, size: tuple[int, int]
) -> None:
    pixel_format = "yuv420p" if size[0] % 2 == 0 else "yuv444p"
    clip = Clip(times=IRREGULAR, size=size, pixel_format=pixel_format)
    content = save_clip(tmp_path / "clip.mp4", clip)
    found = stylize_video(pipe, content, painting, tmp_path / f"out{suffix}")
    assert (found.frames, found.kept_frames, found.notes, found.damage) == (10, 0, (), "")
    actual = decode(tmp_path / f"out{suffix}")
    assert actual.pictures[0].shape == (size[1], size[0], 3)
    # Matroska counts in milliseconds.
    rounding = 0.0006 if suffix in (".mkv", ".webm") else 0
    assert len(actual.times) == 10
    for time, expected in zip(actual.times, seconds(IRREGULAR), strict=True):
        assert abs(float(time - expected)) <= rounding
    assert actual.tags == (1, 1, 1, 1)
    assert not list(tmp_path.glob(".*"))


def test_every_frame_is_what_the_pipeline_makes(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.mp4", Clip(times=IRREGULAR))
    options: Any = {"strength": 0.7, "color": "luminance", "masks": [painting]}
    options |= {"stroke_scale": 2, "smoothing": 0}
    stylize_video(pipe, content, painting, tmp_path / "out.mp4", quality=100, **options)
    actual = decode(tmp_path / "out.mp4")
    del options["smoothing"]
    for frame, shown in zip(decode(content).pictures, actual.pictures, strict=True):
        expected = np.asarray(pipe(Image.fromarray(frame), painting, **options).images[0])
        # The codec halves the resolution of colours.
        assert difference(shown, expected) < 6
        assert difference(shown, frame) > 8


def test_two_frames_at_a_time_become_what_each_becomes_after_the_other(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = save_clip(tmp_path / "clip.mp4", Clip(times=IRREGULAR))
    stylize_video(pipe, content, painting, tmp_path / "expected", smoothing=2)
    threads: set[str] = set()
    encode = pipe.model.encode_content

    def watched(*words: Any) -> Any:
        threads.add(threading.current_thread().name)
        return encode(*words)

    monkeypatch.setattr(pipe.model, "encode_content", watched)
    monkeypatch.setattr(stylizing, "useful_workers", lambda device: 2)
    stylize_video(pipe, content, painting, tmp_path / "actual", smoothing=2)
    names = [path.name for path in sorted((tmp_path / "expected").iterdir())]
    assert len(names) == 10 and len(threads) == 2
    for name in names:
        actual, expected = (
            np.asarray(Image.open(tmp_path / x / name)) for x in ("actual", "expected")
        )
        np.testing.assert_array_equal(actual, expected)


def test_colors_without_the_network_are_transferred(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.mp4")
    stylize_video(pipe, content, painting, tmp_path / "out.mp4", color="transfer", quality=100)
    frame, shown = decode(content).pictures[4], decode(tmp_path / "out.mp4").pictures[4]
    expected = np.asarray(pipe(frame, painting, color="transfer").images[0])
    assert difference(shown, expected) < 4


KINDS = {
    "bt601": Clip(matrix=6, primaries=1),
    "untold": Clip(matrix=2, range=0, primaries=2, transfer=2),
    "full range": Clip(range=2, pixel_format="yuvj420p"),
    "bt2020 matrix": Clip(matrix=9, pixel_format="yuv420p10le"),
    "10 bits": Clip(pixel_format="yuv422p10le"),
    "4:4:4": Clip(pixel_format="yuv444p"),
    "4:2:2": Clip(pixel_format="yuv422p"),
    "RGB": Clip(codec="ffv1", pixel_format="bgr0", matrix=2),
    "MPEG-4": Clip(codec="mpeg4", matrix=2, primaries=2, transfer=2),
    "VP9": Clip(codec="libvpx-vp9"),
    "HEVC": Clip(codec="libx265", options={"x265-params": "log-level=0:crf=8"}),
    "lossless": Clip(codec="ffv1", pixel_format="yuv444p"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_colors_are_those_of_the_clip_whatever_its_kind(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path, kind: str
) -> None:
    content = save_clip(tmp_path / "clip.mkv", KINDS[kind])
    stylize_video(pipe, content, painting, tmp_path / "out.mp4", strength=0, quality=100)
    actual = decode(tmp_path / "out.mp4")
    assert actual.tags == (1, 1, 1, 1)
    for number, shown in enumerate(actual.pictures):
        assert difference(shown, picture(number)) < 3


def test_pixels_that_are_not_square_stay_so(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.mp4", Clip(aspect=Fraction(4, 3)))
    for name in ("out.mp4", "out.mov", "out.mkv"):
        assert stylize_video(pipe, content, painting, tmp_path / name).notes == ()
        assert decode(tmp_path / name).aspect == Fraction(4, 3)
    found = stylize_video(pipe, content, painting, tmp_path / "out.mp4", codec="vp9")
    assert found.notes == ()
    assert decode(tmp_path / "out.mp4").aspect == Fraction(4, 3)


def test_frames_are_widened_where_the_file_has_square_pixels_only(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.mp4", Clip(aspect=Fraction(4, 3)))
    found = stylize_video(pipe, content, painting, tmp_path / "out.webm")
    assert decode(tmp_path / "out.webm").pictures[0].shape == (48, 86, 3)
    assert len(found.notes) == 1 and "86 px wide" in found.notes[0]


@pytest.mark.parametrize(("rotation", "turns"), [(90, 1), (-90, -1), (180, 2)])
def test_frames_are_turned_upright(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path, rotation: int, turns: int
) -> None:
    if not hasattr(VideoStream, "set_display_rotation"):
        pytest.skip("this release of PyAV writes no rotations")
    clip = Clip(rotation=rotation, aspect=Fraction(4, 3), pixel_format="yuv444p")
    content = save_clip(tmp_path / "clip.mp4", clip)
    stylize_video(pipe, content, painting, tmp_path / "out.mp4", strength=0, quality=100)
    actual = decode(tmp_path / "out.mp4")
    assert actual.rotation == 0
    assert actual.aspect == (Fraction(4, 3) if turns == 2 else Fraction(3, 4))
    for number, shown in enumerate(actual.pictures):
        assert difference(shown, np.rot90(picture(number), turns)) < 3


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_sound_is_copied_bit_for_bit(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path, suffix: str
) -> None:
    content = save_clip(tmp_path / "clip.mp4", Clip(audio="aac", times=IRREGULAR))
    found = stylize_video(pipe, content, painting, tmp_path / f"out{suffix}")
    assert found.notes == ()
    before, after = packets(content, "audio"), packets(tmp_path / f"out{suffix}", "audio")
    assert [data for _, data in after] == [data for _, data in before]
    pictures = [decode(path).times[0] for path in (content, tmp_path / f"out{suffix}")]
    for (time, _), (expected, _) in zip(after, before, strict=True):
        # Matroska has no times below 0: sound and pictures are moved together.
        offset = float(pictures[1] - pictures[0])
        assert abs(time - offset - expected) < 0.0011


def test_sound_that_the_file_cannot_hold_is_encoded_anew(
    pipe: StyleKernelPipeline,
    painting: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    content = save_clip(tmp_path / "clip.mp4", Clip(audio="aac", times=IRREGULAR))
    with caplog.at_level(logging.WARNING):
        found = stylize_video(pipe, content, painting, tmp_path / "out.webm")
    assert len(found.notes) == 1
    assert "sound of the codec aac is encoded anew, as libopus" in found.notes[0]
    assert found.notes[0] in caplog.text
    before, after = packets(content, "audio"), packets(tmp_path / "out.webm", "audio")
    assert after[-1][0] == pytest.approx(before[-1][0], abs=0.05)


@pytest.mark.parametrize(
    ("content_name", "audio", "layout", "suffix", "codec"),
    [
        ("clip.avi", "pcm_s16le", "stereo", ".mp4", "aac"),
        ("clip.mkv", "pcm_s24le", "stereo", ".mp4", "aac"),
        ("clip.mkv", "flac", "stereo", ".mov", "aac"),
        ("clip.mkv", "ac3", "5.1(side)", ".webm", "opus"),
        ("clip.mkv", "ac3", "5.1(side)", ".mov", "ac3"),
        ("clip.mov", "alac", "stereo", ".mkv", "alac"),
    ],
)
def test_sound_of_every_kind_comes_along(
    pipe: StyleKernelPipeline,
    painting: Path,
    tmp_path: Path,
    content_name: str,
    audio: str,
    layout: str,
    suffix: str,
    codec: str,
) -> None:
    clip = Clip(audio=audio, layout=layout, times=range(0, 360, 24), codec="mpeg4")
    content, result = save_clip(tmp_path / content_name, clip), tmp_path / f"out{suffix}"
    found = stylize_video(pipe, content, painting, result)
    assert len(found.notes) == (0 if codec == audio else 1)
    with av.open(str(result)) as container:
        (stream,) = container.streams.audio
        assert stream.codec_context.name == codec
        assert stream.codec_context.channels == (6 if layout == "5.1(side)" else 2)
        heard = sum(frame.samples for frame in container.decode(stream))
    with av.open(str(content)) as container:
        expected = sum(frame.samples for frame in container.decode(audio=0))
    assert heard == pytest.approx(expected, abs=0.06 * 48000)


def test_subtitles_chapters_and_titles_are_copied(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.mkv", Clip(audio="aac", subtitles=True))
    found = stylize_video(pipe, content, painting, tmp_path / "out.mkv")
    assert found.notes == ()
    assert [data for _, data in packets(tmp_path / "out.mkv", "subtitle")] == [b"first", b"second"]
    assert chapters(tmp_path / "out.mkv") == chapters(content) != []
    assert title(tmp_path / "out.mkv") == "A clip"
    stylize_video(pipe, content, painting, tmp_path / "bare.mkv", metadata=False)
    assert title(tmp_path / "bare.mkv") is None


def test_subtitles_that_the_file_cannot_hold_are_left_out_with_a_note(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.mkv", Clip(audio="aac", subtitles=True))
    found = stylize_video(pipe, content, painting, tmp_path / "out.mp4")
    assert len(found.notes) == 1 and "subtitle" in found.notes[0] and "left out" in found.notes[0]
    assert chapters(tmp_path / "out.mp4") == chapters(content)
    assert title(tmp_path / "out.mp4") == "A clip"


def title(path: Path) -> str | None:
    with av.open(str(path)) as container:
        return container.metadata.get("title")


def test_part_of_a_clip_begins_with_its_first_frame(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.mp4", Clip(audio="aac", times=IRREGULAR))
    stylize_video(pipe, content, painting, tmp_path / "out.mp4", start=0.07, end=0.4)
    kept = [time for time in IRREGULAR if 42 <= time < 240]
    expected = [Fraction(time - kept[0], 600) for time in kept]
    assert decode(tmp_path / "out.mp4").times == expected
    before, after = packets(content, "audio"), packets(tmp_path / "out.mp4", "audio")
    shift = kept[0] / 600
    in_part = [(time - shift, data) for time, data in before if shift - 0.022 < time < 0.4]
    assert [data for _, data in after] == [data for _, data in in_part]
    for (time, _), (wanted, _) in zip(after, in_part, strict=True):
        assert time == pytest.approx(wanted, abs=0.0001)


def test_rate_repeats_and_leaves_out_frames(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.mp4")  # 25 a second, for 0.4 s.
    found = stylize_video(pipe, content, painting, tmp_path / "half.mp4", fps=12.5)
    assert found.frames == 5
    assert decode(tmp_path / "half.mp4").times == [Fraction(2 * n, 25) for n in range(5)]
    found = stylize_video(pipe, content, painting, tmp_path / "double.mp4", fps=50)
    assert found.frames == 10
    assert decode(tmp_path / "double.mp4").times == [Fraction(n, 50) for n in range(20)]


def test_frames_larger_than_asked_for_are_made_smaller(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.mp4", Clip(size=(98, 66)))
    stylize_video(pipe, content, painting, tmp_path / "out.mp4", max_side=64)
    assert decode(tmp_path / "out.mp4").pictures[0].shape == (44, 64, 3)
    stylize_video(pipe, content, painting, tmp_path / "same.mp4", max_side=98)
    assert decode(tmp_path / "same.mp4").pictures[0].shape == (66, 98, 3)


def save_with_cover(content: Path, path: Path) -> None:
    cover = save_picture(path.with_name("cover.png"))
    with (
        av.open(str(content)) as source,
        av.open(str(cover)) as picture,
        av.open(str(path), "w") as target,
    ):
        made: dict[int, Any] = {
            stream.index: target.add_stream_from_template(stream, opaque=True)
            for stream in source.streams
        }
        attached: Any = target.add_stream_from_template(picture.streams[0], opaque=True)
        attached.disposition = Disposition.attached_pic.value
        for origin, streams in ((picture, {0: attached}), (source, made)):
            for packet in origin.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream.index]
                    target.mux(packet)


def test_cover_picture_is_copied(pipe: StyleKernelPipeline, painting: Path, tmp_path: Path) -> None:
    save_with_cover(save_clip(tmp_path / "plain.mp4"), tmp_path / "clip.mp4")
    expected = [data for _, data in cover_packets(tmp_path / "clip.mp4")]
    assert len(expected) == 1
    for options in ({}, {"start": 0.1}):
        found = stylize_video(pipe, tmp_path / "clip.mp4", painting, tmp_path / "o.mp4", **options)
        assert found.notes == ()
        assert [data for _, data in cover_packets(tmp_path / "o.mp4")] == expected


def cover_packets(path: Path) -> list[tuple[str, bytes]]:
    with av.open(str(path)) as container:
        streams = [s for s in container.streams if s.disposition & Disposition.attached_pic]
        found = [(s.type, p) for s in streams for p in container.demux(s)]
        return [(kind, bytes(packet)) for kind, packet in found if packet.size]


def test_data_is_left_out_with_a_note(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.mp4", Clip(audio="aac", times=IRREGULAR))
    with av.open(str(content)) as source, av.open(str(tmp_path / "data.ts"), "w") as target:
        made: dict[int, Any] = {
            stream.index: target.add_stream_from_template(stream, opaque=True)
            for stream in source.streams
        }
        try:
            data: Any = target.add_data_stream("klv")
        except ValueError:
            pytest.skip("this release of PyAV writes no data")
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = made[packet.stream.index]
                target.mux(packet)
        words: Any = av.Packet(b"words")
        words.stream, words.time_base, words.pts, words.dts = data, Fraction(1, 1000), 300, 300
        target.mux(words)
    found = stylize_video(pipe, tmp_path / "data.ts", painting, tmp_path / "out.mp4")
    assert found.notes == ("stream 2 (data) is left out: data is not copied",)
    # What a transport stream counts from is no part of the clip.
    assert decode(tmp_path / "out.mp4").times[0] < Fraction(1, 10)
    before, after = packets(tmp_path / "data.ts", "audio"), packets(tmp_path / "out.mp4", "audio")
    assert len(after) == len(before)
