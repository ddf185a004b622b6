"""Frames that go through the network together, against each after the other."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.overrides import TorchFunctionMode

pytest.importorskip("av", reason="needs PyAV")

from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.video import batch_size, frame_stylizer, recording
from stylekernel_hf.video.batch_size import choose_batch_size
from stylekernel_hf.video.frame_stylizer import FrameOptions, FrameStylizer
from stylekernel_hf.video.stylizing import VideoProgress, stylize_video
from tests.tiny import save_picture, vivid_model
from tests.video.clips import Clip, picture, save_clip

HEIGHT, WIDTH = 90, 120
RAMP = torch.linspace(0, 1, WIDTH).expand(1, HEIGHT, WIDTH)


def frames(count: int = 7) -> list[Tensor]:
    """Return frames of a moving picture; the last two are of another scene."""
    moving = [torch.from_numpy(picture(n, WIDTH, HEIGHT)) for n in range(count)]
    moving[-2:] = [255 - each.flip(1) // 2 for each in moving[-2:]]
    return [each.permute(2, 0, 1)[None].contiguous() for each in moving]


def stylize(
    pipe: StyleKernelPipeline,
    style: Any,
    options: dict[str, Any],
    batches: Sequence[int],
    smoothing: float = 0.5,
    clip: Sequence[Tensor] | None = None,
) -> list[Tensor]:
    """Stylize frames at 25 a second, in batches of these sizes."""
    checked = FrameOptions(**options).checked(pipe.model)
    clip = frames() if clip is None else clip
    stylizer = FrameStylizer(pipe, style, (HEIGHT, WIDTH), checked, smoothing)
    results: list[Tensor] = []
    numbered = enumerate(clip)
    with torch.inference_mode():
        for size in batches:
            batch = islice(numbered, size)
            begun = [stylizer.begin(rgb, Fraction(number, 25)) for number, rgb in batch]
            results += stylizer.finish(begun)
    return results


def furthest(actual: Sequence[Tensor], expected: Sequence[Tensor]) -> int:
    assert len(actual) == len(expected)
    pairs = zip(actual, expected, strict=True)
    return max(int((one.int() - other.int()).abs().max()) for one, other in pairs)


@pytest.fixture
def batches(pipe: StyleKernelPipeline, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the batches that the network encodes from now on."""
    encode, sizes = pipe.model.encode_content, list[int]()
    noted = lambda content: sizes.append(len(content)) or encode(content)  # noqa: E731
    monkeypatch.setattr(pipe.model, "encode_content", noted)
    return sizes


CASES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "strength": {"strength": 0.6},
    "map of strengths": {"strength": RAMP},
    "no strength": {"strength": 0},
    "mixture": {"style_weights": [1, 2]},
    "masks": {"masks": [RAMP, 1 - RAMP]},
    "masks in part": {"masks": [RAMP, 1 - RAMP], "strength": 0.5},
    "luminance": {"color": "luminance"},
    "statistics": {"color": "statistics"},
    "transfer": {"color": "transfer", "style_weights": [1, 1]},
    "two passes": {"stroke_scale": 2},
    "two passes in part": {"stroke_scale": 2, "strength": RAMP},
    "larger than the frame": {"stroke_scale": 0.5},
    "tiles": {"tile_size": 64},
    "tiles in part": {"tile_size": 64, "strength": 0.6, "stroke_scale": 2},
    "each by itself": {"smoothing": 0},
    "each by itself in part": {"smoothing": 0, "strength": 0.6, "stroke_scale": 2},
}


@pytest.mark.parametrize("case", CASES)
def test_batches_become_what_each_frame_becomes_after_the_other(
    pipe: StyleKernelPipeline, tmp_path: Path, batches: list[int], case: str
) -> None:
    options = dict(CASES[case])
    smoothing = options.pop("smoothing", 0.5)
    count = 2 if "masks" in options or "style_weights" in options else 1
    style = [save_picture(tmp_path / f"{n}.png", seed=n) for n in range(count)]
    expected = stylize(pipe, style, options, [1] * 7, smoothing)
    batches.clear()
    actual = stylize(pipe, style, options, [3, 3, 1], smoothing)
    assert furthest(actual, expected) <= 1
    assert furthest(actual, frames()) > 40 or case == "no strength"
    assert {*batches} == (set() if case in ("no strength", "transfer") else {3, 1})


class Counted(TorchFunctionMode):
    """Counts the calls of torch."""

    count = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("stroke_scale", [1, 2])
def test_batch_starts_hardly_more_work_than_a_frame(
    pipe: StyleKernelPipeline, painting: Path, stroke_scale: float
) -> None:
    options = FrameOptions(stroke_scale=stroke_scale)
    stylizer = FrameStylizer(pipe, painting, (HEIGHT, WIDTH), options, 0.5)
    counts: list[int] = []
    for batch in (frames()[:1], frames()[1:2], frames()[2:]):
        begun = [stylizer.begin(rgb, Fraction(len(counts), 25)) for rgb in batch]
        with torch.no_grad(), Counted() as counted:
            stylizer.finish(begun)
        counts.append(counted.count)
    assert counts[2] < 1.1 * counts[1]


def test_maps_that_move_keep_their_frames(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    mask = save_clip(tmp_path / "mask.mp4", Clip(times=range(0, 240, 24)))
    options = {"strength": mask}
    expected = stylize(pipe, painting, options, [1] * 7)
    assert furthest(stylize(pipe, painting, options, [4, 3]), expected) == 0


def test_frames_of_other_depths_stay_apart(
    pipe: StyleKernelPipeline, painting: Path, batches: list[int]
) -> None:
    clip = [rgb.float() / 255 if n in (2, 3) else rgb for n, rgb in enumerate(frames())]
    expected = stylize(pipe, painting, {}, [1] * 7, clip=clip)
    batches.clear()
    assert furthest(stylize(pipe, painting, {}, [7], clip=clip), expected) <= 1
    assert batches == [2, 2, 3]


def test_frame_with_little_detail_has_its_batch_computed_in_float32(
    painting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    grain = torch.from_numpy(random.integers(0, 60, (1, 3, HEIGHT, WIDTH), np.uint8))
    clip = [rgb // 2 + grain for rgb in frames()]
    clip[1] = clip[1] // 64 + 120
    pipe = StyleKernelPipeline(vivid_model().to(torch.bfloat16))
    alone = stylize(pipe, painting, {}, [1] * 7, 0, clip)
    actual = stylize(pipe, painting, {}, [3, 4], 0, clip)
    with monkeypatch.context() as patched:
        patched.setattr(frame_stylizer, "measure_detail", lambda rgb: 0)
        expected = stylize(pipe, painting, {}, [1] * 7, 0, clip)
    assert furthest(actual[:3], expected[:3]) <= 1
    assert furthest(alone[1:2], expected[1:2]) == 0
    for number in (0, 2):
        assert furthest([alone[number]], [expected[number]]) > 1
    assert furthest(actual[3:], expected[3:]) > 1


def test_smaller_batches_are_tried_where_memory_runs_out(
    pipe: StyleKernelPipeline,
    painting: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    expected = stylize(pipe, painting, {"strength": 0.5}, [1] * 7)
    stylize_partly = pipe.model.stylize_partly

    def fail(content: Tensor, *rest: Any) -> Tensor:
        if len(content) > 2:
            raise torch.OutOfMemoryError("full")
        return stylize_partly(content, *rest)

    monkeypatch.setattr(pipe.model, "stylize_partly", fail)
    monkeypatch.setattr(frame_stylizer, "choose_batch_size", lambda *_, **__: 7)
    options = FrameOptions(0.5).checked(pipe.model)
    stylizer = FrameStylizer(pipe, painting, (HEIGHT, WIDTH), options, 0.5)
    begun = [stylizer.begin(rgb, Fraction(n, 25)) for n, rgb in enumerate(frames())]
    with torch.inference_mode(), caplog.at_level(logging.WARNING, logger="stylekernel_hf"):
        actual = stylizer.finish(begun)
    assert furthest(actual, expected) <= 1
    assert stylizer.batch_size == 2
    assert caplog.messages[0] == "out of memory on cpu: trying 4 frames at once"


class EndedError(Exception):
    pass


def test_video_in_batches_goes_on_after_its_end(
    pipe: StyleKernelPipeline,
    painting: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    batches: list[int],
) -> None:
    monkeypatch.setattr(recording, "_part_length", lambda pixels: 3)
    content = save_clip(tmp_path / "clip.mp4", Clip(times=range(0, 264, 24)))
    stylize_video(pipe, content, painting, tmp_path / "expected", smoothing=2)
    assert batches == [1] * 11
    monkeypatch.setattr(frame_stylizer, "choose_batch_size", lambda *_, **__: 4)

    def end(progress: VideoProgress) -> None:
        if progress.done == 8:
            raise EndedError

    with pytest.raises(EndedError):
        stylize_video(pipe, content, painting, tmp_path / "actual", smoothing=2, on_frame=end)
    batches.clear()
    found = stylize_video(pipe, content, painting, tmp_path / "actual", smoothing=2)
    assert found.frames == 11
    assert found.kept_frames in (3, 6)  # The second part may not have been finished.
    assert batches == ([1, 4, 3] if found.kept_frames == 3 else [2, 3])
    names = [path.name for path in sorted((tmp_path / "expected").iterdir())]
    assert len(names) == 11
    actual, expected = (
        [torch.from_numpy(np.array(Image.open(tmp_path / way / name))) for name in names]
        for way in ("actual", "expected")
    )
    assert furthest(actual, expected) <= 1


def test_batches_are_for_small_frames_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = SimpleNamespace(device=torch.device("cpu"))
    assert choose_batch_size(model, (64, 64), 1, own_style=False) == 1
    model.device = torch.device("cuda")
    free = 10**9
    monkeypatch.setattr(batch_size, "fitting_pixels", lambda *_, **__: free)
    sizes = ((480, 640), (512, 512), (1080, 1920), (2160, 3840))
    found = [choose_batch_size(model, size, 1, own_style=False) for size in sizes]
    assert found == [8, 8, 3, 1]
    # Strokes are decided at twice the size.
    assert choose_batch_size(model, (512, 512), 0.5, own_style=False) == 7
    free = 2_000_000
    found = [choose_batch_size(model, size, 1, own_style=False) for size in sizes]
    assert found == [5, 6, 1, 1]


@pytest.mark.gpu
def test_batches_on_a_gpu_become_what_each_frame_becomes(painting: Path) -> None:
    pipe = StyleKernelPipeline(vivid_model().cuda())
    for case in ("defaults", "strength", "two passes", "statistics"):
        stylizer = FrameStylizer(pipe, painting, (HEIGHT, WIDTH), FrameOptions(), 0.5)
        assert stylizer.batch_size == 8
        expected = stylize(pipe, painting, CASES[case], [1] * 7)
        assert furthest(stylize(pipe, painting, CASES[case], [3, 3, 1]), expected) <= 1
