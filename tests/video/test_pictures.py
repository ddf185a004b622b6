"""Clips that are pictures, and results that are: folders of frames, GIF, WebP and APNG files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("av", reason="needs PyAV")

from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.video.stylizing import stylize_video
from tests.video.clips import HEIGHT, WIDTH, Clip, decode, picture, save_clip

DURATIONS = [40, 120, 80, 200]


def save_animation(path: Path, count: int = 4, **options: Any) -> Path:
    frames = [Image.fromarray(picture(3 * number)) for number in range(count)]
    options = {"duration": DURATIONS[:count], "lossless": True, **options}
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    return path


def save_frames(folder: Path, count: int = 4) -> Path:
    folder.mkdir()
    for number in range(count):
        Image.fromarray(picture(3 * number)).save(folder / f"shot_{number + 7:04}.png")
    return folder


def animation(path: Path) -> tuple[list[np.ndarray[Any, Any]], list[float]]:
    """Read the frames of a file, and their durations in ms, with Pillow."""
    frames, durations = [], []
    with Image.open(path) as image:
        for number in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(number)
            frames.append(np.asarray(image.convert("RGB")))
            durations.append(float(image.info["duration"]))
    return frames, durations


def difference(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_animated_picture_becomes_a_video_with_its_times(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path, suffix: str
) -> None:
    content = save_animation(tmp_path / f"clip{suffix}")
    found = stylize_video(pipe, content, painting, tmp_path / "out.mp4", strength=0, quality=100)
    assert (found.frames, found.damage, found.notes) == (4, "", ())
    actual = decode(tmp_path / "out.mp4")
    assert [float(time) for time in actual.times] == pytest.approx([0, 0.04, 0.16, 0.24])
    for shown, expected in zip(actual.pictures, animation(content)[0], strict=True):
        assert difference(shown, expected) < 6  # The codec halves the resolution of colours.


@pytest.mark.parametrize(("suffix", "rounding"), [(".gif", 8), (".webp", 6), (".apng", 0)])
def test_clip_becomes_an_animated_picture_with_its_times(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path, suffix: str, rounding: float
) -> None:
    clip = Clip(times=(0, 24, 96, 144, 264), codec="ffv1", pixel_format="bgr0", matrix=2)
    content = save_clip(tmp_path / "clip.mkv", clip)
    output = tmp_path / f"out{suffix}"
    stylize_video(pipe, content, painting, output, smoothing=0, quality=100)
    frames, durations = animation(output)
    assert durations[:4] == [40, 120, 80, 200]
    assert 0 < durations[4] <= 200
    assert len(frames) == 5
    for number, shown in enumerate(frames):
        expected = np.asarray(pipe(picture(number), painting).images[0])
        assert difference(shown, expected) <= rounding
    with Image.open(output) as image:
        assert image.info["loop"] == 0
    assert not list(tmp_path.glob(".*"))


def test_animated_picture_stays_one(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_animation(tmp_path / "clip.gif")
    stylize_video(pipe, content, painting, tmp_path / "out.gif")
    frames, durations = animation(tmp_path / "out.gif")
    assert durations == DURATIONS
    assert frames[0].shape == (HEIGHT, WIDTH, 3)


def test_picture_before_an_animated_png_is_not_a_frame(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_animation(tmp_path / "clip.png", duration=DURATIONS[:3], default_image=True)
    stylize_video(pipe, content, painting, tmp_path / "out", strength=0)
    shown = [np.asarray(Image.open(path)) for path in sorted((tmp_path / "out").iterdir())]
    assert [difference(each, picture(3 * n)) for n, each in enumerate(shown, start=1)] == [0, 0, 0]


def test_folder_of_frames_gives_a_folder_with_its_names(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_frames(tmp_path / "frames")
    stylize_video(pipe, content, painting, tmp_path / "out", smoothing=0)
    shown = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in shown] == [f"shot_{n:04}.png" for n in (7, 8, 9, 10)]
    for number, path in enumerate(shown):
        expected = np.asarray(pipe(picture(3 * number), painting).images[0])
        assert difference(np.asarray(Image.open(path)), expected) == 0


def test_folder_of_frames_becomes_a_video_at_a_rate(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_frames(tmp_path / "frames")
    stylize_video(pipe, content, painting, tmp_path / "out.mp4", fps=30000 / 1001, start=0.05)
    actual = decode(tmp_path / "out.mp4")
    assert [float(time) for time in actual.times] == pytest.approx([0, 1001 / 30000])


def test_clip_becomes_a_folder_of_counted_frames(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.mkv", Clip(audio="aac", subtitles=True))
    (tmp_path / "out").mkdir()
    found = stylize_video(pipe, content, painting, tmp_path / "out", max_side=32, end=0.1)
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == [
        "000001.png",
        "000002.png",
        "000003.png",
    ]
    assert found.notes == ("pictures cannot hold the clip's sound and subtitles: left out",)


@pytest.mark.parametrize("length", [0.5, 0.9])
def test_truncated_animation_gives_what_can_be_read(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path, length: float
) -> None:
    content = save_animation(tmp_path / "clip.gif")
    data = content.read_bytes()
    content.write_bytes(data[: int(len(data) * length)])
    found = stylize_video(pipe, content, painting, tmp_path / "out.gif")
    assert 0 < found.frames < 4
    assert str(content) in found.damage


def test_frames_of_several_sizes_are_refused(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_frames(tmp_path / "frames")
    Image.new("RGB", (30, 50)).save(content / "shot_0009.png")
    with pytest.raises(ValueError, match="content must hold frames of one size, 64x48 px, but"):
        stylize_video(pipe, content, painting, tmp_path / "out.mp4")
    assert not list(tmp_path.glob(".*"))


def test_folder_with_files_is_not_replaced(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_frames(tmp_path / "frames")
    with pytest.raises(FileExistsError, match="output must be a new or an empty folder"):
        stylize_video(pipe, content, painting, content)


def test_pictures_take_no_codec(pipe: StyleKernelPipeline, painting: Path, tmp_path: Path) -> None:
    content = save_animation(tmp_path / "clip.gif")
    with pytest.raises(ValueError, match="codec must be left out for pictures, got 'h264'"):
        stylize_video(pipe, content, painting, tmp_path / "out.gif", codec="h264")
