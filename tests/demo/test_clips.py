"""Visitors' clips, decoded in a process that can do no harm."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

pytest.importorskip("av", reason="needs PyAV")

import av

from demo.clip_writer import ClipWriter
from demo.clips import PlainClip, write_plainly
from demo.limits import Limits
from demo.messages import AbandonedError, VisitorError
from tests.demo.clip_files import (
    linked_movie,
    references,
    save_gif,
    save_growing,
    save_joined,
    save_jumping,
    save_wide,
)
from tests.video.clips import Clip, decode, picture, save_clip, save_sound, save_words

_LIMITS = Limits(video_seconds=1, video_side=64, video_pixels=100_000)


def write(data: bytes, target: Path, **options: Any) -> PlainClip:
    limits = options.pop("limits", _LIMITS)
    return write_plainly(data, "“a.mp4”", target, limits, options.pop("check", lambda: None))


def processes() -> list[psutil.Process]:
    children = psutil.Process().children()
    return [each for each in children if "demo.clip_decoder" in each.cmdline()]


def test_clip_is_written_anew_with_its_times_and_sound(tmp_path: Path) -> None:
    clip = save_clip(tmp_path / "a.mp4", Clip(times=(0, 24, 60, 72, 120, 150, 180), audio="aac"))
    result = write(clip.read_bytes(), tmp_path / "plain.mp4")
    assert result == PlainClip(7, (64, 48), damaged=False)
    actual, expected = decode(tmp_path / "plain.mp4"), decode(clip)
    assert [float(each) for each in actual.times] == pytest.approx([*map(float, expected.times)])
    for one, other in zip(actual.pictures, expected.pictures, strict=True):
        assert np.abs(one.astype(float) - other).mean() < 3
    assert loudness(tmp_path / "plain.mp4") == pytest.approx(loudness(clip), rel=0.1)
    assert processes() == []


def loudness(path: Path) -> float:
    with av.open(str(path)) as container:
        parts = [frame.to_ndarray().ravel() for frame in container.decode(audio=0)]
    return float(np.sqrt(np.mean(np.concatenate(parts).astype(float) ** 2)))


def test_frames_are_turned_upright_scaled_and_thinned_out(tmp_path: Path) -> None:
    clip = Clip(times=range(0, 300, 10), size=(128, 64), rotation=90)
    save_clip(tmp_path / "a.mov", clip)
    result = write((tmp_path / "a.mov").read_bytes(), tmp_path / "plain.mp4")
    assert result == PlainClip(15, (32, 64), damaged=False)
    actual = decode(tmp_path / "plain.mp4")
    assert [float(each) for each in actual.times] == pytest.approx([n / 30 for n in range(15)])
    turned = np.rot90(picture(0, 128, 64)).astype(float)
    turned = turned.reshape(64, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(actual.pictures[0] - turned).mean() < 6


@pytest.mark.parametrize("name", ["a.webm", "a.mkv", "a.avi", "a.ts", "a.gif"])
def test_every_format_that_is_offered_is_read(tmp_path: Path, name: str) -> None:
    if name == "a.gif":
        save_gif(tmp_path / name, 5, 100)
    else:
        codec = "libvpx-vp9" if name == "a.webm" else "mpeg4"
        save_clip(tmp_path / name, Clip(codec=codec, times=range(0, 120, 24)))
    assert write((tmp_path / name).read_bytes(), tmp_path / "plain.mp4").frames == 5


@pytest.mark.parametrize(
    ("save", "told"),
    [
        (save_words, "is no video that can be read. Please choose an MP4"),
        (lambda path: path.write_bytes(b""), "is no video that can be read"),
        (save_sound, "holds sound, but no pictures"),
        (save_wide, "its frames have 100000×48 px, and at most 0 megapixels are taken"),
        (lambda path: save_clip(path, Clip(times=range(0, 1200, 24))), "is 2 s long, and at most"),
        (lambda path: save_clip(path, Clip(transfer=18, matrix=9)), "is of high dynamic range"),
        (
            lambda path: save_clip(path, Clip(times=range(600))),
            "has [56].. frames a second, and at most 240",
        ),
        (lambda path: save_clip(path, Clip(size=(64, 8))), "at least 16 px a side are needed"),
    ],
    ids=["words", "empty", "sound", "wide", "long", "hdr", "fast", "small"],
)
def test_clip_that_cannot_be_taken_gets_one_clear_line(
    tmp_path: Path, save: Callable[[Path], object], told: str
) -> None:
    save(tmp_path / "a.mp4")
    with pytest.raises(VisitorError, match=f"^“a.mp4” .*{told}") as caught:
        write((tmp_path / "a.mp4").read_bytes(), tmp_path / "plain.mp4")
    assert "\n" not in str(caught.value) and str(tmp_path) not in str(caught.value)
    assert processes() == []


def test_frames_that_grow_in_the_middle_are_left_out(tmp_path: Path) -> None:
    """What the header promises is not all that a decoder would allocate memory for."""
    save_growing(tmp_path / "a.ts")
    limits = Limits(video_seconds=5, video_side=64, video_pixels=10_000)
    result = write((tmp_path / "a.ts").read_bytes(), tmp_path / "plain.mp4", limits=limits)
    assert result == PlainClip(10, (64, 48), damaged=True)


# Of a transport stream in seconds, whose clock of 33 bits counts 90,000 a second.
_CLOCK_END = 2**33 / 90_000


@pytest.mark.parametrize("begins", [(100, 0, 40_000), (_CLOCK_END - 0.2,)], ids=["joined", "wrap"])
def test_pictures_and_sound_go_on_where_the_clock_jumps(
    tmp_path: Path, begins: tuple[float, ...]
) -> None:
    save_joined(tmp_path / "a.ts", *begins)
    limits = Limits(video_seconds=2, video_side=64)
    result = write((tmp_path / "a.ts").read_bytes(), tmp_path / "plain.mp4", limits=limits)
    assert result == PlainClip(10 * len(begins), (64, 48), damaged=False)
    shown = decode(tmp_path / "plain.mp4").times
    np.testing.assert_allclose(np.diff([float(time) for time in shown]), 0.04, atol=0.03)
    seconds = 0.4 * len(begins)
    assert heard(tmp_path / "plain.mp4", 0.1, seconds - 0.1) > 0.05


def heard(path: Path, begin: float, end: float) -> float:
    """Return the least loudness of any 20 ms between two times."""
    with av.open(str(path)) as container:
        frames = [frame for frame in container.decode(audio=0) if frame.pts is not None]
    sound = np.zeros(48_000 * 4)
    for frame in frames:
        first = frame.pts * 48_000 // frame.time_base.denominator
        samples = frame.to_ndarray()[0][-min(first, 0) :]
        sound[max(first, 0) :][: len(samples)] = samples
    parts = sound[int(begin * 48_000) : int(end * 48_000)]
    whole = len(parts) // 960 * 960
    return float(np.sqrt((parts[:whole].reshape(-1, 960) ** 2).mean(axis=1)).min())


def test_silence_is_put_where_sound_pauses_with_the_pictures(tmp_path: Path) -> None:
    save_joined(tmp_path / "a.ts", 0, 1.2)
    limits = Limits(video_seconds=2, video_side=64)
    plain = tmp_path / "plain.mp4"
    write((tmp_path / "a.ts").read_bytes(), plain, limits=limits)
    shown = [float(time) for time in decode(plain).times]
    expected = [float(time) for time in decode(tmp_path / "a.ts").times]
    np.testing.assert_allclose(np.diff(shown), np.diff(expected), atol=1e-3)
    assert shown[10] - shown[9] > 0.7
    assert heard(plain, 0.6, 1.1) == pytest.approx(0, abs=0.01)
    assert heard(plain, shown[10] + 0.05, shown[10] + 0.3) > 0.05


def test_frames_of_an_avi_file_that_are_stored_out_of_order_come_evenly(tmp_path: Path) -> None:
    clip = save_clip(tmp_path / "a.avi", Clip(times=range(0, 480, 24)))
    write(clip.read_bytes(), tmp_path / "plain.mp4")
    steps = np.diff([float(time) for time in decode(tmp_path / "plain.mp4").times])
    # The file's first step and its last ones are not told.
    np.testing.assert_allclose(steps[1:-3], 0.04, atol=1e-4)
    assert len(steps) >= 17


def test_jumps_of_the_clock_make_no_clip_shorter(tmp_path: Path) -> None:
    save_joined(tmp_path / "joined.ts", 0, 100, 0, 40_000)
    save_jumping(tmp_path / "jumping.ts", 200)
    for name, told in {"joined.ts": "is 2 s long", "jumping.ts": "s long|frames a second"}.items():
        with pytest.raises(VisitorError, match=told):
            write((tmp_path / name).read_bytes(), tmp_path / "plain.mp4")


def test_decoder_imports_no_torch() -> None:
    code = "import sys, demo.clip_decoder; print('torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


class Listener:
    """A server of this machine that counts who connects."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.visits = 0
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            connection.close()

    def visited(self) -> int:
        """Count the visits; one of its own shows that it counts."""
        with socket.create_connection(self._socket.getsockname()) as own:
            own.recv(1)
        return self.visits - 1


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener._socket.close()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A video of the server's own that no visitor may see."""
    return save_clip(tmp_path / "secret.ts")


_ANY_FORMAT = "import demo.clip_decoder as it; del it._OPTIONS['format_whitelist']; {more}it.main()"


@pytest.mark.parametrize(
    "more",
    [None, "", "del it._OPTIONS['protocol_whitelist']; "],
    ids=["as it is", "in any format", "by any protocol"],
)
def test_no_file_or_host_that_a_clip_names_is_opened(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    listener: Listener,
    secret: Path,
    more: str | None,
) -> None:
    """Each of the barriers holds alone: formats, protocols, and what the process may open."""
    if more is not None:
        command = [sys.executable, "-c", _ANY_FORMAT.format(more=more)]
        monkeypatch.setattr("demo.clips._COMMAND", command)
    kinds = references(listener.address, secret)
    chosen = kinds if more is None else [name for name in kinds if name.startswith("hls")]
    for name in chosen:
        with pytest.raises(VisitorError, match="is no video that can be read"):
            write(kinds[name].encode(), tmp_path / "plain.mp4")
    assert listener.visited() == 0


def test_movie_shows_no_frames_of_the_file_that_it_names(
    tmp_path: Path, listener: Listener
) -> None:
    secret = save_clip(tmp_path / "secret.mov", Clip(codec="mjpeg", pixel_format="yuvj420p"))
    for target in (secret, f"{listener.address}/secret.mov"):
        linked = linked_movie(tmp_path / "linked.mov", target)
        with av.open(io.BytesIO(linked)) as container:
            assert container.streams.video[0].width == 64, "it is a movie"
        with contextlib.suppress(VisitorError):
            write(linked, tmp_path / "plain.mp4")
            shown, own = decode(tmp_path / "plain.mp4"), decode(tmp_path / "linked.mov")
            assert np.abs(shown.pictures[0].astype(float) - own.pictures[0]).mean() < 4
    assert listener.visited() == 0


def test_slow_clip_is_given_up(tmp_path: Path) -> None:
    clip = save_clip(
        tmp_path / "a.mp4", Clip(size=(640, 480), times=range(0, 600, 20), source=black)
    )
    limits = Limits(video_decode_seconds=0.01)
    with pytest.raises(VisitorError, match="takes too long to read"):
        write(clip.read_bytes(), tmp_path / "plain.mp4", limits=limits)


def black(_: int, width: int, height: int) -> np.ndarray[Any, Any]:
    return np.zeros((height, width, 3), np.uint8)


def test_clip_that_takes_much_memory_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.clips._MEMORY", 64 * 2**20)
    monkeypatch.setattr("demo.clips._MEMORY_PER_PIXEL", 0)
    clip = Clip(size=(2560, 1440), times=range(0, 72, 24), source=black)
    save_clip(tmp_path / "a.mkv", clip)
    with pytest.raises(VisitorError, match="takes too (much memory|long) to read"):
        write((tmp_path / "a.mkv").read_bytes(), tmp_path / "plain.mp4", limits=Limits())


def test_nobody_waits_for_it_any_more(tmp_path: Path) -> None:
    def check() -> None:
        raise AbandonedError

    clip = save_clip(tmp_path / "a.mp4")
    with pytest.raises(AbandonedError):
        write(clip.read_bytes(), tmp_path / "plain.mp4", check=check)
    assert processes() == []


def test_every_frame_is_written_for_somebody(tmp_path: Path) -> None:
    """However fast they come: a clip has hundreds."""
    frames: list[int] = []
    checked_at: list[int] = []

    class Counted(ClipWriter):
        def add(self, ticks: int, pixels: bytes) -> None:
            super().add(ticks, pixels)
            frames.append(ticks)

    clip = save_clip(tmp_path / "a.mp4")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("demo.clips.ClipWriter", Counted)
        plain = write(
            clip.read_bytes(),
            tmp_path / "plain.mp4",
            check=lambda: checked_at.append(len(frames)),
        )
    assert set(checked_at) == set(range(plain.frames + 1))


_HEAD = {"size": [64, 48], "sound": 0, "begin": 0}


@pytest.mark.parametrize(
    "answer",
    [
        {**_HEAD, "size": [100_000, 100_000]},
        {**_HEAD, "size": [64, 47]},
        {**_HEAD, "sound": 10**12},
        {**_HEAD, "begin": "now"},
        {**_HEAD, "begin": 10**12},
        {"size": [64, 48]},
        5,
        None,
    ],
)
def test_answer_of_a_decoder_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    code = f"print({json.dumps(json.dumps(answer))}, flush=True)"
    monkeypatch.setattr("demo.clips._COMMAND", [sys.executable, "-S", "-c", code])
    with pytest.raises(VisitorError, match="takes too long to read"):
        write(b"", tmp_path / "plain.mp4")


def test_words_of_a_decoder_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = json.dumps({"problem": "long", "value": "<b>gotcha</b>"})
    code = f"print({answer!r}, flush=True)"
    monkeypatch.setattr("demo.clips._COMMAND", [sys.executable, "-S", "-c", code])
    with pytest.raises(VisitorError, match="is 0 s long"):
        write(b"", tmp_path / "plain.mp4")


def test_times_that_go_back_are_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = b"".join(struct.pack(">q", time) + bytes(64 * 48 * 3) for time in (0, 3000, 0))
    code = (
        "import sys; sys.stdout.buffer.write("
        f"{json.dumps(_HEAD)!r}.encode() + b'\\n' + bytes.fromhex('{frames.hex()}'))"
    )
    monkeypatch.setattr("demo.clips._COMMAND", [sys.executable, "-S", "-c", code])
    with pytest.raises(VisitorError, match="takes too long to read"):
        write(b"", tmp_path / "plain.mp4")
