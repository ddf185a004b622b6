"""Clips whose pictures or sound are damaged, and clips that only look so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("av", reason="needs PyAV")

import av

from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.video.holes import find_holes, holes_damage
from stylekernel_hf.video.sound_check import sound_damage
from stylekernel_hf.video.stylizing import stylize_video
from tests.video.clips import Clip, packets, save_clip

# Of transport streams, with the stream that FFmpeg numbers so.
TS_PACKET, TS_SOUND = 188, 0x101


def save_long(path: Path, audio: str, codec: str = "libx264", rate: int = 5) -> Path:
    """Write a clip of 4 s, with so many pictures a second and a key frame every second."""
    options = {"crf": "10", "g": str(rate)}
    times = tuple(range(0, 2400, 600 // rate))
    return save_clip(path, Clip(times=times, audio=audio, codec=codec, options=options))


def place_of_sound(path: Path, number: int) -> int:
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(audio=0) if packet.pos is not None]
    return places[number]


def overwrite(path: Path, begin: int, count: int) -> None:
    data = bytearray(path.read_bytes())
    data[begin : begin + count] = np.random.default_rng(5).bytes(count)
    path.write_bytes(data)


def remux(
    source: Path,
    path: Path,
    keeps: Callable[[str, float], bool] = lambda kind, time: True,
    delay: Callable[[str, float], float] = lambda kind, time: 0.0,
) -> Path:
    """Write the packets that are kept, each later by its delay; both know its kind and time."""
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        made: dict[int, Any] = {
            stream.index: new.add_stream_from_template(stream, opaque=True)
            for stream in old.streams
        }
        for packet in old.demux():
            if packet.dts is None or packet.pts is None:
                continue
            kind, time = packet.stream.type, float(packet.dts * packet.time_base)
            if keeps(kind, time):
                later = round(delay(kind, time) / packet.time_base)
                packet.pts, packet.dts = packet.pts + later, packet.dts + later
                packet.stream = made[packet.stream.index]
                new.mux_one(packet)
    return path


def told(path: Path, start: float = 0.0, end: float | None = None) -> str:
    holes, sound = (find(path, start, end, name="content") for find in (holes_damage, sound_damage))
    return holes + sound


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_sound_that_is_damaged_is_told_copied_or_encoded_anew(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path, suffix: str
) -> None:
    content = save_long(tmp_path / "clip.mp4", "ac3")
    overwrite(content, place_of_sound(content, 40) + 50, 9)
    found = stylize_video(pipe, content, painting, tmp_path / f"out{suffix}", max_side=32)
    # A packet of AC-3 lasts 0.032 s.
    words = f"the sound of '{content}' is missing or damaged in 1 place, first at about 1.3 s"
    assert (found.frames, found.damage) == (20, f"content: {words}")
    heard = [time for time, _ in packets(tmp_path / f"out{suffix}", "audio")]
    assert heard[-1] == pytest.approx(3.75, abs=0.1)


def test_sound_that_loses_its_beginnings_is_encoded_anew(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_long(tmp_path / "clip.mp4", "ac3")
    overwrite(content, place_of_sound(content, 40), 9)
    found = stylize_video(pipe, content, painting, tmp_path / "out.webm", max_side=32)
    assert "sound" in found.damage and found.frames == 20


def test_sound_that_cannot_be_repacked_is_left_out(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_long(tmp_path / "clip.ts", "aac")
    before = len(packets(content, "audio"))
    # Packets of AAC in a transport stream have headers, which MP4 has not.
    overwrite(content, place_of_sound(content, 80) + 60, 10 * TS_PACKET)
    stylize_video(pipe, content, painting, tmp_path / "out.mp4", max_side=32)
    assert before - 20 < len(packets(tmp_path / "out.mp4", "audio")) < before


def test_only_damage_of_the_part_is_told(tmp_path: Path) -> None:
    content = save_long(tmp_path / "clip.mp4", "flac")
    overwrite(content, place_of_sound(content, 20) + 50, 9)
    assert "in 1 place, first at about 1.9 s" in told(content)
    assert "1.9 s" in told(content, 1.5, 2.5)
    assert told(content, 2.5) == told(content, 0.0, 1.5) == ""


def test_sound_of_a_transport_stream_is_told(tmp_path: Path) -> None:
    content = save_long(tmp_path / "clip.ts", "ac3", rate=25)
    data = np.frombuffer(content.read_bytes(), np.uint8).reshape(-1, TS_PACKET).copy()
    is_sound = (data[:, 1] & 0x1F).astype(int) * 256 + data[:, 2] == TS_SOUND
    begins = (data[:, 1] & 0x40) > 0
    within = np.flatnonzero(is_sound & ~begins)
    data[within[len(within) * 4 // 10], 100:150] ^= 255
    content.write_bytes(data.tobytes())
    assert "sound of" in told(content) and "in 1 place, first at about 1." in told(content)


def test_sound_at_the_seam_of_recordings_is_not_told(tmp_path: Path) -> None:
    content = save_long(tmp_path / "clip.ts", "ac3", rate=25)
    later = remux(content, tmp_path / "later.ts", delay=lambda *_: 4.0)
    data, failed = content.read_bytes(), 0
    for tenth in range(3, 8):
        joined = tmp_path / f"{tenth}.ts"
        end = len(data) * tenth // 10 // TS_PACKET * TS_PACKET
        joined.write_bytes(data[:end] + later.read_bytes())
        assert told(joined) == ""
        failed += errors(joined)
    assert failed > 0


def errors(path: Path) -> int:
    """Count the packets of sound that cannot be decoded."""
    count = 0
    with av.open(str(path)) as container:
        for packet in container.demux(audio=0):
            try:
                packet.decode()
            except av.EOFError:
                return count
            except av.FFmpegError:
                count += 1
    return count


def test_file_that_ends_within_its_sound_is_told(tmp_path: Path) -> None:
    content = save_long(tmp_path / "clip.avi", "pcm_s16le", "mpeg4")
    begin = place_of_sound(content, 60)
    content.write_bytes(content.read_bytes()[: begin + 1000])
    assert "is missing or damaged" in told(content)


@pytest.mark.parametrize(("audio", "is_cut"), [("aac", True), ("libopus", False), ("", True)])
def test_bytes_that_are_missing_in_a_matroska_file_are_told(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path, audio: str, is_cut: bool
) -> None:
    content = save_long(tmp_path / "clip.mkv", audio)
    data = content.read_bytes()
    begin, third = len(data) * 3 // 10, len(data) // 3
    rest = data[begin + 500 :] if is_cut else bytes(third) + data[begin + third :]
    content.write_bytes(data[:begin] + rest)
    found = stylize_video(pipe, content, painting, tmp_path / "out.mp4", max_side=32)
    words = f"content: '{content}' is damaged, pictures or sound are missing in 1 place, first"
    assert words in found.damage
    (hole,) = find_holes(content, name="content")
    times = sorted(time for time, _ in packets(content, "audio" if audio else "video"))
    # Of pictures and sound, not the same need be missing.
    assert float(hole.seconds) == pytest.approx(np.diff(times).max(), abs=0.5)
    assert float(hole.time) == pytest.approx(times[np.diff(times).argmax()], abs=0.3)


PAUSES: dict[str, Any] = {
    "of the sound": {"keeps": lambda kind, time: kind == "video" or not 1 < time < 2},
    "of all": {"delay": lambda kind, time: 1.234 if time >= 2 else 0.0},
    "sound begins late": {"delay": lambda kind, time: 1.5 if kind == "audio" else 0.0},
    "pictures begin late": {"delay": lambda kind, time: 1.5 if kind == "video" else 0.0},
    "sound ends early": {"keeps": lambda kind, time: kind == "video" or time < 1.7},
    "pictures end early": {"keeps": lambda kind, time: kind == "audio" or time < 1.7},
}


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts", "clip.mov"])
def test_pauses_are_no_damage(tmp_path: Path, name: str) -> None:
    whole = save_long(tmp_path / f"whole_{name}", "aac")
    found = {pause: told(remux(whole, tmp_path / name, **PAUSES[pause])) for pause in PAUSES}
    assert set(found.values()) == {""}, found


def test_unused_bytes_at_a_pause_are_no_damage(tmp_path: Path) -> None:
    whole = save_long(tmp_path / "whole.mkv", "aac")
    content = remux(whole, tmp_path / "clip.mkv", PAUSES["of the sound"]["keeps"])
    times = [time for time, _ in packets(content, "audio")]
    place, data = place_of_sound(content, int(np.diff(times).argmax()) + 1), content.read_bytes()
    block = data.rindex(b"\xa3", 0, place)
    unused = b"\xec\x41\xf4" + bytes(500)
    # The length of the cluster begins with as many zeros as it has more bytes.
    begin = data.rindex(b"\x1f\x43\xb6\x75", 0, block) + 4
    end = begin + 9 - data[begin].bit_length()
    length = int.from_bytes(data[begin:end], "big") + len(unused)
    length_bytes = length.to_bytes(end - begin, "big")
    content.write_bytes(data[:begin] + length_bytes + data[end:block] + unused + data[block:])
    assert len(packets(content, "audio")) == len(times) and told(content) == ""


@pytest.mark.parametrize("delay", [0.0, 4.0, 6.3])
def test_joined_matroska_files_are_no_damage(tmp_path: Path, delay: float) -> None:
    first = save_long(tmp_path / "1.mkv", "aac")
    second = remux(first, tmp_path / "2.mkv", delay=lambda *_: delay)
    (tmp_path / "joined.mkv").write_bytes(first.read_bytes() + second.read_bytes())
    assert told(tmp_path / "joined.mkv") == ""


SOUNDS = {
    "clip.mp4": ("aac", "libmp3lame", "ac3", "flac", "alac", "libopus"),
    "clip.mkv": ("libmp3lame", "ac3", "flac", "libopus", "pcm_s16le"),
    "clip.ts": ("libmp3lame", "ac3", "libopus"),
    "clip.mov": ("aac", "pcm_s16le", "alac"),
    "clip.avi": ("libmp3lame", "ac3", "pcm_s16le"),
    "clip.flv": ("aac",),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_sound_that_is_whole_is_no_damage(tmp_path: Path, name: str) -> None:
    for audio in SOUNDS[name]:
        assert (
            told(save_long(tmp_path / name, audio, "mpeg4" if name == "clip.avi" else "libx264"))
            == ""
        )
