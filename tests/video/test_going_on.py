"""A video whose making was ended: what is kept, and that the same call goes on."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

pytest.importorskip("av", reason="needs PyAV")

from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.video import recording, stylizing
from stylekernel_hf.video.frame_stylizer import FrameStylizer
from stylekernel_hf.video.stylizing import VideoProgress, stylize_video
from tests.forks import Forked
from tests.video.clips import Clip, decode, packets, save_clip

CLIP = Clip(times=(0, 20, 45, 50, 120, 121, 200, 230, 400, 410), audio="aac")


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "_part_length", lambda pixels: 3)


class EndedError(Exception):
    pass


def end_after(count: int) -> object:
    def look(progress: VideoProgress) -> None:
        if progress.done == count:
            raise EndedError

    return look


@pytest.mark.parametrize("at_once", [1, 2])
def test_same_call_goes_on_after_the_last_finished_part(
    pipe: StyleKernelPipeline,
    painting: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    at_once: int,
) -> None:
    monkeypatch.setattr(stylizing, "useful_workers", lambda device: at_once)
    content = save_clip(tmp_path / "clip.mp4", CLIP)
    stylize_video(pipe, content, painting, tmp_path / "whole.mp4")
    output = tmp_path / "out.mp4"
    with pytest.raises(EndedError):
        stylize_video(pipe, content, painting, output, on_frame=end_after(8))
    assert not output.exists()
    seen: list[int] = []
    begin = FrameStylizer.begin
    monkeypatch.setattr(
        FrameStylizer,
        "begin",
        lambda self, rgb, *rest: seen.append(1) or begin(self, rgb, *rest),
    )
    found = stylize_video(pipe, content, painting, output)
    assert found.frames == 10
    assert found.kept_frames in (3, 6)  # The second part may not have been finished.
    assert len(seen) == 10 - found.kept_frames
    whole, went_on = tmp_path / "whole.mp4", output
    assert decode(went_on).times == decode(whole).times == decode(content).times
    for kind in ("video", "audio"):
        assert packets(went_on, kind) == packets(whole, kind)
    assert not list(tmp_path.glob(".*"))


def test_other_call_begins_anew(pipe: StyleKernelPipeline, painting: Path, tmp_path: Path) -> None:
    content = save_clip(tmp_path / "clip.mp4", CLIP)
    for options in ({"strength": 0.5}, {"quality": 20}, {"end": 0.3}, {"smoothing": 0.1}):
        with pytest.raises(EndedError):
            stylize_video(pipe, content, painting, tmp_path / "out.mp4", on_frame=end_after(8))
        found = stylize_video(pipe, content, painting, tmp_path / "out.mp4", **options)
        assert found.kept_frames == 0


def test_finished_parts_that_were_not_joined_are_joined(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = save_clip(tmp_path / "clip.mp4", CLIP)
    output = tmp_path / "out.mp4"
    output.write_text("the old file")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("stylekernel_hf.video.stylizing.join", fail)
        with pytest.raises(OSError, match=r"No space left on device: '.*out\.mp4'"):
            stylize_video(pipe, content, painting, output)
    assert output.read_text() == "the old file"
    assert stylize_video(pipe, content, painting, output).kept_frames == 10
    assert decode(output).times == decode(content).times


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_process_leaves_no_half_file(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.mp4", CLIP)
    output = tmp_path / "out.mp4"
    code = (
        "import os, signal, sys, torch\n"
        "from pathlib import Path\n"
        "torch.set_num_threads(1)\n"
        "from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline\n"
        "from stylekernel_hf.video import recording\n"
        "from stylekernel_hf.video.stylizing import stylize_video\n"
        "from tests.tiny import vivid_model\n"
        "recording._part_length = lambda pixels: 3\n"
        "def look(progress):\n"
        "    if progress.kept >= 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "content, painting, output = sys.argv[1:]\n"
        "stylize_video(StyleKernelPipeline(vivid_model()), content, painting, output,"
        " on_frame=look)\n"
    )
    with Forked(code, content, painting, output) as process:
        assert process.wait(240) == -signal.SIGKILL, process.errors()
    assert not output.exists()
    assert stylize_video(pipe, content, painting, output).kept_frames >= 3
    assert decode(output).times == decode(content).times
    assert {path.name for path in tmp_path.iterdir()} == {"clip.mp4", "painting.png", "out.mp4"}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_disk_is_told_with_the_name_of_the_output(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.mp4", CLIP)
    folder = tmp_path / ".out.mp4.segments"
    folder.mkdir()
    (folder / "000000.mp4").symlink_to("/dev/full")
    (folder / "plan.json").write_text("{}")
    # The folder is emptied of what another call left; the link comes back with the first part.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("stylekernel_hf.video.segments._empty", lambda folder: None)
        with pytest.raises(OSError, match=r"No space left on device.*out\.mp4"):
            stylize_video(pipe, content, painting, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()
