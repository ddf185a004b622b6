"""Masks and strengths that are clips move with the video."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("av", reason="needs PyAV")

from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.video import recording
from stylekernel_hf.video.frame_maps import MapClip
from stylekernel_hf.video.stylizing import stylize_video
from tests.tiny import save_picture
from tests.video.clips import Clip, picture, save_clip

LOSSLESS = Clip(times=(0, 24, 48, 72, 96), codec="ffv1", pixel_format="bgr0", matrix=2)


def mask(number: int, width: int, height: int) -> np.ndarray[Any, Any]:
    """White up to a column that moves to the right."""
    columns = np.arange(width) < 16 * number
    return np.repeat(np.where(columns, 255, 0)[None, :, None], height, 0).repeat(3, 2).astype("u1")


def shown(folder: Path) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(Image.open(path)) for path in sorted(folder.iterdir())]


def save_mask_frames(folder: Path) -> Path:
    folder.mkdir()
    for number in range(5):
        Image.fromarray(mask(number, 64, 48)).save(folder / f"{number}.png")
    return folder


@pytest.mark.parametrize("kind", ["video", "folder"])
def test_mask_that_is_a_clip_follows_the_video(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path, kind: str
) -> None:
    content = save_clip(tmp_path / "clip.mkv", LOSSLESS)
    if kind == "video":
        moving = save_clip(tmp_path / "mask.mkv", LOSSLESS._replace(source=mask))
    else:
        moving = save_mask_frames(tmp_path / "mask")
    other = save_picture(tmp_path / "still.png", seed=8)
    styles, options = [painting, save_picture(tmp_path / "two.png", seed=5)], {"smoothing": 0}
    stylize_video(pipe, content, styles, tmp_path / "out", masks=[moving, other], **options)
    actual = shown(tmp_path / "out")
    assert len(actual) == 5
    for number, frame in enumerate(actual):
        masks = [Image.fromarray(mask(number, 64, 48)), Image.open(other)]
        expected = pipe(picture(number), styles, masks=masks).images[0]
        np.testing.assert_array_equal(frame, np.asarray(expected))
    stylize_video(
        pipe, content, styles, tmp_path / "cut", masks=[moving, other], start=0.07, **options
    )
    np.testing.assert_array_equal(shown(tmp_path / "cut"), actual[2:])


def test_strength_that_is_a_clip_goes_on_where_the_work_was_ended(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_part_length", lambda pixels: 2)
    content = save_clip(tmp_path / "clip.mkv", LOSSLESS)
    strength = save_clip(tmp_path / "strength.mkv", LOSSLESS._replace(source=mask))

    def end(progress: Any) -> None:
        if progress.done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stylize_video(pipe, content, painting, tmp_path / "out", strength=strength, on_frame=end)
    found = stylize_video(pipe, content, painting, tmp_path / "out", strength=strength)
    assert found.kept_frames in (2, 4)
    stylize_video(pipe, content, painting, tmp_path / "whole", strength=strength)
    for actual, expected in zip(shown(tmp_path / "out"), shown(tmp_path / "whole"), strict=True):
        np.testing.assert_array_equal(actual, expected)
    np.testing.assert_array_equal(shown(tmp_path / "whole")[0], picture(0))


def test_map_keeps_the_time_of_the_clip_and_its_last_frame_stays(tmp_path: Path) -> None:
    clip = MapClip(save_clip(tmp_path / "mask.mkv", LOSSLESS._replace(source=mask)), name="mask")
    for time, number in ((Fraction(1, 25), 1), (Fraction(1, 13), 1), (Fraction(9), 4)):
        actual = clip.at(time)[0].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(actual, mask(number, 64, 48))


def test_mask_that_is_no_video_is_refused_by_its_name(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = save_clip(tmp_path / "clip.mkv", LOSSLESS)
    (tmp_path / "mask.mp4").write_text("no video")
    with pytest.raises(ValueError, match=r"masks\[0\] must be a video file"):
        stylize_video(pipe, content, painting, tmp_path / "out", masks=[tmp_path / "mask.mp4"])
