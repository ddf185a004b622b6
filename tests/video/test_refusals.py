"""What cannot be stylized, or not as asked for, is refused in one line before the work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("av", reason="needs PyAV")

import av

from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.video.stylizing import stylize_video
from tests.video.clips import Clip, decode, save_clip, save_sound, save_words


def save_playlist(path: Path) -> None:
    other = save_clip(path.with_name("other.mp4"))
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n")


def save_without_frames(path: Path) -> None:
    path.write_bytes(b"YUV4MPEG2 W64 H48 F25:1 Ip C420\n")


def save_wide(path: Path) -> None:
    path.write_bytes(b"YUV4MPEG2 W100000 H48 F25:1 Ip C420\nFRAME\n" + bytes(1000))


def save_small(path: Path) -> None:
    save_clip(path, Clip(size=(64, 14), codec="ffv1"))


@pytest.mark.parametrize(
    ("name", "save", "message"),
    [
        ("clip.mp4", save_words, "is none that can be read"),
        ("clip.mp4", save_playlist, "is none that can be read"),
        ("clip.mp4", lambda path: path.touch(), "is none that can be read"),
        ("clip.mp4", lambda path: path.mkdir(), "must hold images"),
        ("clip.mp4", lambda path: None, "no such file"),
        ("clip.mp4", save_sound, "must hold a video, but '{}' holds only audio"),
        ("clip.y4m", save_without_frames, "must have frames that can be decoded"),
        ("clip.y4m", save_wide, "at most 8192 px a side"),
        ("clip.mkv", save_small, "at least 16 px a side"),
        (
            "clip.mkv",
            lambda path: save_clip(path, Clip(transfer=16, matrix=9, primaries=9)),
            "must be of standard dynamic range, but '{}' is HDR (PQ)",
        ),
        (
            "clip.mp4",
            lambda path: save_clip(path, Clip(transfer=18, pixel_format="yuv420p10le")),
            "is HDR (HLG)",
        ),
    ],
    ids=range(11),
)
def test_file_that_cannot_be_stylized_is_refused(
    pipe: StyleKernelPipeline,
    painting: Path,
    tmp_path: Path,
    name: str,
    save: Callable[[Path], object],
    message: str,
) -> None:
    content = tmp_path / "in" / name
    content.parent.mkdir()
    save(content)
    with pytest.raises((ValueError, OSError)) as raised:
        stylize_video(pipe, content, painting, tmp_path / "out.mp4")
    text = str(raised.value)
    assert text.startswith("content") and message.format(content) in text
    assert len(text.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"in", "painting.png"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"output": "out.avi"},
            "output must end in .mp4, .m4v, .mov, .mkv, .webm, .gif, .webp or .apng, or be a "
            "folder, got 'out.avi'",
        ),
        ({"output": "clip.mp4"}, "output"),
        ({"output": "nowhere/out.mp4"}, "output: no such folder"),
        ({"codec": "av2"}, "codec must be 'h264', 'hevc' or 'vp9', got 'av2'"),
        ({"codec": "vp9", "output": "out.mov"}, "codec must be 'h264' or 'hevc' for a .mov file"),
        ({"quality": 0}, "quality must be from 1 to 100, got 0"),
        ({"start": -1}, "start must be at least 0 s, got -1"),
        ({"start": 2}, "start must lie within the 0.40 s, got 2"),
        ({"start": 0.2, "end": 0.1}, "end must be after the start at 0.2 s, got 0.1"),
        ({"start": 0.001, "end": 0.002}, "start and end must leave frames"),
        ({"smoothing": -1}, "smoothing must be at least 0 s, got -1"),
        ({"fps": 0}, "fps must lie in (0, 240], got 0"),
        ({"max_side": 4}, "max_side must be at least 16, got 4"),
        ({"strength": 2}, "strength must lie in [0, 1], got 2"),
        ({"style_weights": [1, 2]}, "style_weights must be one number per style"),
        ({"color": "grey"}, "color must be"),
    ],
)
def test_option_that_makes_no_sense_is_refused(
    pipe: StyleKernelPipeline,
    painting: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    save_clip(Path("clip.mp4"))
    before = {path: path.stat().st_size for path in Path().iterdir()}
    output = options.pop("output", "out.mp4")
    with pytest.raises((ValueError, OSError)) as raised:
        stylize_video(pipe, "clip.mp4", painting, output, **options)
    assert str(raised.value).startswith(message.partition(" must")[0])
    assert message in str(raised.value)
    after = {path: path.stat().st_size for path in Path().iterdir() if path.suffix != ".segments"}
    assert after == before


def test_interlaced_clip_is_stylized_with_a_note(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    options = {"x264-params": "interlaced=1:tff=1"}
    content = save_clip(tmp_path / "clip.mp4", Clip(size=(64, 64), options=options))
    found = stylize_video(pipe, content, painting, tmp_path / "out.mp4")
    assert "content is interlaced" in found.notes[0]
    assert len(decode(tmp_path / "out.mp4").pictures) == 10


def test_name_with_a_colon_is_a_file_s(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_clip(tmp_path / "clip.mp4").rename("http:clip.mp4")
    stylize_video(pipe, "http:clip.mp4", painting, "pipe:out.mp4")
    assert len(decode(tmp_path / "pipe:out.mp4").pictures) == 10


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_truncated_clip_gives_what_can_be_read(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path, suffix: str
) -> None:
    clip = Clip(times=tuple(range(0, 2400, 24)), audio="aac")
    content = save_clip(tmp_path / f"clip{suffix}", clip)
    if suffix == ".mp4":
        fast = tmp_path / "fast.mp4"
        with (
            av.open(str(content)) as source,
            av.open(str(fast), "w", container_options={"movflags": "+faststart"}) as target,
        ):
            stream = target.add_stream_from_template(source.streams.video[0], opaque=True)
            for packet in source.demux(source.streams.video[0]):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)
        content = fast
    data = content.read_bytes()
    content.write_bytes(data[: len(data) * 6 // 10])
    found = stylize_video(pipe, content, painting, tmp_path / "out.mp4")
    assert "content: " in found.damage and str(content) in found.damage
    assert 20 < found.frames < 80
    assert len(decode(tmp_path / "out.mp4").pictures) == found.frames
