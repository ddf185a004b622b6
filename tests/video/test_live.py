"""Pictures stylized as they come."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("av", reason="needs PyAV")

from stylekernel_hf import LiveStylizer
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from tests.tiny import save_picture


def gap(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())


def test_first_picture_of_each_size_is_that_of_the_pipeline(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    live = LiveStylizer(pipe, painting, strength=0.7)
    for moment, size in enumerate(((96, 64), (64, 96))):
        picture = Image.open(save_picture(tmp_path / "frame.png", size, seed=moment)).convert("RGB")
        expected = pipe(picture, painting, strength=0.7).images[0]
        assert gap(live.stylize(picture, float(moment)), expected) < 0.6


def test_smoothing_keeps_what_was_measured_before(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path
) -> None:
    first = Image.open(save_picture(tmp_path / "a.png", (96, 64), seed=1)).convert("RGB")
    second = first.point(lambda value: value * 0.9)
    alone = pipe(second, painting).images[0]
    gaps = []
    for smoothing in (0.0, 10.0):
        live = LiveStylizer(pipe, painting, smoothing=smoothing)
        live.stylize(first, 0.0)
        gaps.append(gap(live.stylize(second, 0.04), alone))
    assert gaps[0] < 0.6 < gaps[1]


@pytest.mark.parametrize("smoothing", [-1.0, "long"])
def test_smoothing_must_be_seconds(
    pipe: StyleKernelPipeline, painting: Path, smoothing: object
) -> None:
    with pytest.raises((ValueError, TypeError), match="smoothing must"):
        LiveStylizer(pipe, painting, smoothing=smoothing)  # type: ignore[arg-type]
