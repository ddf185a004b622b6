"""Statistics averaged over time, against a plain sum in float64."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Tensor

pytest.importorskip("av", reason="needs PyAV")

from stylekernel_hf.model.statistics import ChannelStatistics
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.video.frame_stylizer import FrameOptions, FrameStylizer
from stylekernel_hf.video.steadiness import SteadyStatistics
from tests.tiny import save_picture, vivid_model

TIMES = (0.0, 0.04, 0.08, 0.2, 0.21)
SCENE = torch.zeros(1, 3, 20, 30, dtype=torch.uint8)


def measured(number: int) -> list[ChannelStatistics]:
    generator = torch.Generator().manual_seed(number)
    parts = torch.rand(2, 1, 5, 1, 1, generator=generator)
    return [ChannelStatistics(parts[0], parts[1] + 0.5)]


def averaged(times: Sequence[float], half_life: float) -> list[Tensor]:
    """Sum up all earlier means with weights that halve in `half_life`."""
    results: list[Tensor] = []
    for place, time in enumerate(times):
        total = torch.zeros(1, 5, 1, 1, dtype=torch.float64)
        for earlier in range(place + 1):
            share = 2 ** -((time - times[earlier]) / half_life)
            if earlier > 0:
                share *= 1 - 2 ** -((times[earlier] - times[earlier - 1]) / half_life)
            total += share * measured(earlier)[0].mean.double()
        results.append(total)
    return results


def test_weights_halve_in_the_time_that_is_told() -> None:
    steady = SteadyStatistics(0.1)
    for number, (time, expected) in enumerate(zip(TIMES, averaged(TIMES, 0.1), strict=True)):
        frame = steady.begin(SCENE, time)
        frame.average(0, measured(99))  # An attempt that ran out of memory.
        actual = frame.average(0, measured(number))
        torch.testing.assert_close(actual[0].mean.double(), expected, atol=1e-6, rtol=0)


def test_scene_begins_with_its_own_statistics() -> None:
    steady = SteadyStatistics(10)
    for number, scene in enumerate((SCENE, SCENE + 20, SCENE + 200)):
        actual = steady.begin(scene, number / 25).average(0, measured(number))[0].mean
        is_own = torch.equal(actual, measured(number)[0].mean)
        assert is_own == (number != 1)


def test_snapshot_goes_on_as_if_nothing_had_been() -> None:
    steady, other = SteadyStatistics(0.1), SteadyStatistics(0.1)
    for number, time in enumerate(TIMES[:3]):
        steady.begin(SCENE, time).average(0, measured(number))
    snapshot = steady.snapshot()
    expected = steady.begin(SCENE, TIMES[3]).average(0, measured(3))
    other.restore(json.loads(json.dumps(snapshot())))
    actual = other.begin(SCENE, TIMES[3]).average(0, measured(3))
    assert torch.equal(actual[0].mean, expected[0].mean)
    assert torch.equal(actual[0].std, expected[0].std)


@pytest.mark.parametrize("is_given_up", [False, True])
def test_frame_waits_for_what_the_frame_before_has_measured(is_given_up: bool) -> None:
    steady = SteadyStatistics(0.1)
    first, second = (steady.begin(SCENE, time) for time in TIMES[:2])
    actual: list[Tensor] = []
    later = threading.Thread(target=lambda: actual.append(second.average(0, measured(1))[0].mean))
    later.start()
    first.average(1, measured(7))  # Another pass.
    assert not actual
    if not is_given_up:
        first.average(0, measured(0))
    first.finish()
    later.join(60)
    expected = measured(1)[0].mean.double() if is_given_up else averaged(TIMES[:2], 0.1)[1]
    torch.testing.assert_close(actual[0].double(), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("strength", "stroke_scale"), [(1.0, 1), (0.6, 1), (1.0, 2), (0.6, 0.5)])
def test_frames_are_the_same_in_tiles(
    tmp_path_factory: pytest.TempPathFactory, strength: float, stroke_scale: float
) -> None:
    painting = save_picture(tmp_path_factory.mktemp("style") / "s.png", seed=3)
    pipe = StyleKernelPipeline(vivid_model())
    results: list[list[Tensor]] = []
    for tile_size in (None, 64):
        options = FrameOptions(strength, stroke_scale=stroke_scale, tile_size=tile_size)
        options = options.checked(pipe.model)
        stylizer = FrameStylizer(pipe, painting, (90, 150), options, 0.5)
        frames = (np.random.default_rng(n).integers(0, 256, (1, 3, 90, 150)) for n in range(2))
        with torch.inference_mode():
            results.append(
                [
                    stylizer.stylize(torch.from_numpy(frame.astype(np.uint8)), Fraction(number, 25))
                    for number, frame in enumerate(frames)
                ]
            )
    for whole, tiled in zip(*results, strict=True):
        assert int((whole.int() - tiled.int()).abs().max()) <= 1


def test_still_clip_is_stylized_as_a_picture(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("style")
    painting = save_picture(folder / "s.png", seed=3)
    pipe = StyleKernelPipeline(vivid_model())
    frame = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 3, 40, 48), np.uint8))
    stylizer = FrameStylizer(pipe, painting, (40, 48), FrameOptions().checked(pipe.model), 0.5)
    expected = np.asarray(pipe(frame, painting).images[0])
    for number in range(3):
        with torch.inference_mode():
            actual = stylizer.stylize(frame, Fraction(number, 25))[0].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(actual, expected)
