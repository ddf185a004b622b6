"""`stylekernel benchmark --video`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("av", reason="needs PyAV")

from stylekernel_hf.benchmark import video_speed
from stylekernel_hf.cli.benchmark import benchmark
from stylekernel_hf.video.frame_stylizer import FrameStylizer
from tests.tiny import tiny_model


class Clock:
    """Time that passes where a test says so, and nowhere else."""

    seconds = 0.0

    def perf_counter(self) -> float:
        return self.seconds


def test_rates_are_frames_over_the_seconds_that_pass_in_each_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, begin, stylize_video = Clock(), FrameStylizer.begin, video_speed.stylize_video

    def slow(self: FrameStylizer, *args: object) -> object:
        clock.seconds += 0.25
        return begin(self, *args)  # type: ignore[arg-type]

    def slower(*args: object) -> object:
        clock.seconds += 1.0
        return stylize_video(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(video_speed, "time", clock)
    monkeypatch.setattr(FrameStylizer, "begin", slow)
    monkeypatch.setattr(video_speed, "stylize_video", slower)
    tiny_model().save_pretrained(tmp_path / "model")
    figures = tmp_path / "figures.json"
    benchmark(
        sizes=[64],
        dtypes=["float32"],
        devices=["cpu"],
        model=tmp_path / "model",
        json_file=figures,
        video=True,
        video_frames=8,
    )
    # A quarter of a second a frame, and one second for all that is done once for a file.
    (speed,) = json.loads(figures.read_text())["video"]
    assert (speed["size"], speed["frames"], speed["network"]) == (64, 8, 4)
    assert speed["file_to_file"] == pytest.approx(8 / 3)
    assert "4.00" in (printed := capsys.readouterr().out) and "67%" in printed
