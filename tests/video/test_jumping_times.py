"""Clips whose times jump, start anew or begin late: what comes out goes on, with its sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stylekernel_hf

pytest.importorskip("av", reason="needs PyAV")

import av
from av.video.frame import PictureType

from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.video.stylizing import VideoProgress, stylize_video
from tests.video.clips import Clip, decode, packets, save_clip

# Of a transport stream in seconds, whose clock of 33 bits counts 90,000 a second.
CLOCK_END = 2**33 / 90_000


def save_recording(path: Path, begin: float, **options: str) -> Path:
    offset = {"output_ts_offset": f"{begin:.3f}"}
    clip = Clip(audio="aac", container_options=offset, options={"crf": "10", **options})
    return save_clip(path, clip)


def save_joined(path: Path, *begins: float, **options: str) -> Path:
    parts = [path.with_name(f"{number}.ts") for number in range(len(begins))]
    for part, begin in zip(parts, begins, strict=True):
        save_recording(part, begin, **options)
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def read_times(path: Path, kind: str) -> tuple[list[float], list[Exception]]:
    """Return the times of the frames of a kind, and the damage."""
    damage: list[Exception] = []
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        decoder = stylekernel_hf.StreamDecoder(container, stream, damage.append)
        return [float(time) for _, time in decoder.frames() if time is not None], damage


def assert_goes_on(result: Path, frames: int) -> None:
    """Pictures come 25 a second, and the sound lasts as long, without a gap."""
    shown = np.diff([float(time) for time in decode(result).times])
    assert len(shown) == frames - 1
    np.testing.assert_allclose(shown, 0.04, atol=0.03)
    heard = [time for time, _ in packets(result, "audio")]
    assert heard[-1] - heard[0] == pytest.approx(frames / 25, abs=0.1)
    assert np.diff(heard).min() > 0 and np.diff(heard).max() < 0.1


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
@pytest.mark.parametrize("begins", [(100, 0), (0, 0), (0, 40_000)])
def test_joined_recordings_go_on(
    pipe: StyleKernelPipeline,
    painting: Path,
    tmp_path: Path,
    begins: tuple[float, float],
    suffix: str,
) -> None:
    joined = save_joined(tmp_path / "joined.ts", *begins)
    result = tmp_path / f"out{suffix}"
    found = stylize_video(pipe, joined, painting, result)
    assert (found.frames, found.damage) == (20, "")
    assert_goes_on(result, 20)


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_clock_that_starts_anew_loses_no_frame(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path, suffix: str
) -> None:
    recording = save_recording(tmp_path / "clip.ts", CLOCK_END - 0.2)
    result = tmp_path / f"out{suffix}"
    found = stylize_video(pipe, recording, painting, result)
    assert (found.frames, found.damage) == (10, "")
    assert_goes_on(result, 10)


def test_late_beginning_is_no_damage(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    late = Clip(times=tuple(range(3_000_000, 3_000_240, 24)))
    content = save_clip(tmp_path / "clip.mkv", late)
    found = stylize_video(pipe, content, painting, tmp_path / "out.mp4")
    assert (found.frames, found.damage) == (10, "")
    assert decode(tmp_path / "out.mp4").times[0] == 0


def test_frames_of_an_avi_file_that_are_stored_out_of_order_come_evenly(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.avi", Clip(times=tuple(range(0, 480, 24))))
    with av.open(str(content)) as container:
        assert any(frame.pict_type == PictureType.B for frame in container.decode(video=0))
    stylize_video(pipe, content, painting, tmp_path / "out.mp4")
    steps = np.diff([float(time) for time in decode(tmp_path / "out.mp4").times])
    # The file's first step and its last ones are not told.
    np.testing.assert_allclose(steps[1:-3], 0.04, atol=1e-4)
    assert len(steps) == 19 and steps.sum() < 21 * 0.04


def test_sound_that_jumps_before_the_last_pictures_come_moves_none_of_them(tmp_path: Path) -> None:
    joined = save_joined(tmp_path / "joined.ts", 0, 0, tune="zerolatency")
    shown, heard = (read_times(joined, kind)[0] for kind in ("video", "audio"))
    np.testing.assert_allclose(np.diff(shown), 0.04, atol=0.04)
    assert np.diff(heard).max() < 0.1 and heard[-1] - heard[0] == pytest.approx(0.8, abs=0.1)


def test_pauses_of_a_transport_stream_are_no_jumps(tmp_path: Path) -> None:
    times = (0, 24, 48, 5400, 5424, 5448, 6000, 6024, 9000, 9024)
    content = save_clip(tmp_path / "clip.ts", Clip(times=times))
    shown, damage = read_times(content, "video")
    np.testing.assert_allclose(np.subtract(shown, shown[0]), np.divide(times, 600), atol=1e-3)
    assert damage == []


def test_bytes_that_are_missing_in_a_transport_stream_are_told(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.ts", Clip(times=tuple(range(0, 720, 24))))
    data = content.read_bytes()
    cut = slice(len(data) * 4 // 10, len(data) * 6 // 10)
    content.write_bytes(data[: cut.start] + bytes(cut.stop - cut.start) + data[cut.stop :])
    found = stylize_video(pipe, content, painting, tmp_path / "out.mp4")
    assert 15 < found.frames < 30
    assert "is damaged" in found.damage and "parts of them are missing" in found.damage


def counted(pipe: StyleKernelPipeline, painting: Path, content: Path, **part: float) -> set[int]:
    """Return how many frames the bar says there are, and how many there were."""
    told: list[VideoProgress] = []
    output = content.with_name("out.mp4")
    stylize_video(pipe, content, painting, output, on_frame=told.append, **part)
    assert {progress.total for progress in told} == {told[0].total}
    return {told[0].total or 0, told[-1].done}


def test_frames_of_joined_recordings_are_counted(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    joined = save_joined(tmp_path / "joined.ts", 0, 0, 100)
    assert counted(pipe, painting, joined) == {30}
    # The last recording's times tell of 0.4 s.
    assert counted(pipe, painting, joined, start=0.5, end=1) == {13}


def test_frames_are_counted_where_the_header_does_not(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.mkv", Clip(times=(0, 24, 30, 600, 624, 900)))
    assert counted(pipe, painting, content) == {6}
    assert counted(pipe, painting, content, start=0.5, end=1.2) == {2}


def test_slow_transport_stream_is_not_cut_short(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.ts", Clip(times=tuple(range(0, 1200, 120)), audio="aac"))
    assert stylize_video(pipe, content, painting, tmp_path / "out.mp4").damage == ""


def test_recordings_of_other_streams_are_left_out(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    parts: list[bytes] = []
    for number in (1, 2):
        options = {"mpegts_start_pid": str(number * 0x100), "output_ts_offset": str(number)}
        clip = Clip(times=tuple(range(0, 600, 24)), audio="aac", container_options=options)
        parts.append(save_clip(tmp_path / "part.ts", clip).read_bytes())
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(parts))
    found = stylize_video(pipe, joined, painting, tmp_path / "out.mp4")
    assert found.frames == 25 and "it is a second video" in " ".join(found.notes)


def test_stream_that_seems_to_begin_later_does_no_harm(tmp_path: Path) -> None:
    """PyAV then fails at the end of the file, if what it has not counted is not 0."""

    class Miscounted:
        def __init__(self, container: Any) -> None:
            self._container = container

        def __getattr__(self, name: str) -> Any:
            return getattr(self._container, name)

        def demux(self, streams: Any) -> Any:
            yield from self._container.demux(streams)
            raise IndexError("list index out of range")

    content = save_clip(tmp_path / "clip.mp4")
    damage: list[Exception] = []
    with av.open(str(content)) as container:
        miscounted: Any = Miscounted(container)
        decoder = stylekernel_hf.StreamDecoder(
            miscounted, container.streams.video[0], damage.append
        )
        assert (len(list(decoder.frames())), damage) == (10, [])


def test_nothing_is_missing_where_recordings_were_joined(tmp_path: Path) -> None:
    """Their counters do not go on there, though their times do."""
    joined = save_joined(tmp_path / "joined.ts", 0, 0.4)
    with av.open(str(joined)) as container:
        assert any(packet.is_corrupt for packet in container.demux(video=0))
    shown, damage = read_times(joined, "video")
    assert (len(shown), damage) == (20, [])
