"""The pipeline with tiles: the same picture, errors, the progress bar, too little memory."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.pipelines.tasks import pipeline
from stylekernel_hf.pretrained.model import StyleKernelModel
from tests.tiny import save_picture, tiny_model

EXAMPLES = Path(__file__).parents[2] / "demo" / "examples"


@pytest.fixture
def pipe() -> StyleKernelPipeline:
    return StyleKernelPipeline(tiny_model())


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save_picture(tmp_path / "photo.png", (150, 101), seed=1)


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_tiles_of_the_embedded_weights_leave_no_seam(strength: float) -> None:
    pipe = pipeline("style-kernel", device="cpu")
    photo = Image.open(EXAMPLES / "photos" / "chelsea.jpg").resize((331, 203))
    style = pipe.encode_style(EXAMPLES / "styles" / "palette_knife.jpg")
    whole, tiled = (
        pipe(photo, style, strength=strength, tile_size=size, output_type="np").images[0]
        for size in (512, 128)
    )
    assert np.abs(tiled - whole).max() < 1 / 255


@pytest.mark.parametrize("output_type", ["pil", "np", "pt"])
def test_tiles_keep_size_type_and_alpha(
    pipe: StyleKernelPipeline, photo: Path, output_type: Any
) -> None:
    content = Image.open(photo)
    content.putalpha(Image.linear_gradient("L").resize(content.size))
    whole, tiled = (
        pipe(content, photo, tile_size=size, output_type=output_type).images[0]
        for size in (256, 64)
    )
    assert type(tiled) is type(whole)
    whole, tiled = (np.asarray(image, dtype=float) for image in (whole, tiled))
    assert tiled.shape == whole.shape
    assert np.abs(tiled - whole).max() <= (1 if output_type == "pil" else 1 / 255)


def test_picture_too_large_for_the_memory_is_tiled_unasked(
    pipe: StyleKernelPipeline, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pipe(photo, photo, output_type="np").images[0]
    sides = record_windows(monkeypatch)
    monkeypatch.setattr("stylekernel_hf.tiling.tile_size.WORKING_MEMORY", 2 * 2**20)
    tiled = pipe(photo, photo, output_type="np").images[0]
    assert max(sides) < 150 + 2 * 64
    assert np.abs(tiled - whole).max() < 1 / 255


def test_wrong_tile_size_is_refused_before_the_work(pipe: StyleKernelPipeline, photo: Path) -> None:
    with pytest.raises(ValueError, match="tile_size must be a multiple of 8 px and at least 64"):
        pipe(photo, photo, tile_size=90)


def test_progress_bar_counts_tiles(
    pipe: StyleKernelPipeline, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe.set_progress_bar_config(disable=False)
    # 150 x 101 px are 3 x 2 tiles, with the margin 3 x 3 to be measured before; and a whole one.
    pipe([photo, Image.new("RGB", (40, 40))], photo, tile_size=64)
    assert " 16/16 " in capsys.readouterr().err


def record_windows(
    monkeypatch: pytest.MonkeyPatch, limit: int = 10**9, error: type[RuntimeError] = RuntimeError
) -> list[int]:
    """Note the longer side of all that is encoded; beyond `limit` the device's memory is full."""
    sides: list[int] = []
    encode_content = StyleKernelModel.encode_content

    def recorded(model: StyleKernelModel, content: torch.Tensor) -> list[torch.Tensor]:
        sides.append(max(content.shape[2:]))
        if sides[-1] > limit:
            if error is torch.OutOfMemoryError:
                raise error(f"no memory for {sides[-1]} px\nand much more")
            torch.empty(2**58)  # What the CPU says itself.
        return encode_content(model, content)

    monkeypatch.setattr(StyleKernelModel, "encode_content", recorded)
    return sides


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError])
def test_out_of_memory_falls_back_to_smaller_tiles_once(
    error: type[RuntimeError],
    pipe: StyleKernelPipeline,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    photo = save_picture(tmp_path / "wide.png", (300, 101), seed=1)
    whole = pipe(photo, photo, output_type="np").images[0]
    sides = record_windows(monkeypatch, limit=260, error=error)
    pipe.set_progress_bar_config(disable=False)
    with caplog.at_level(logging.WARNING, logger="stylekernel_hf"):
        tiled = pipe(photo, photo, output_type="np").images[0]
    assert sides[0] > 260 > max(sides[1:])
    assert np.abs(tiled - whole).max() < 1 / 255
    assert "trying tiles of 144 px" in caplog.text
    assert "100%" in capsys.readouterr().err


def test_other_errors_are_no_lack_of_memory(
    pipe: StyleKernelPipeline, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("expected scalar type Float")

    monkeypatch.setattr(StyleKernelModel, "encode_content", broken)
    with pytest.raises(RuntimeError, match="expected scalar type") as caught:
        pipe(photo, photo)
    assert not isinstance(caught.value, torch.OutOfMemoryError)


def test_out_of_memory_in_smaller_tiles_too_is_said_clearly(
    pipe: StyleKernelPipeline, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = record_windows(monkeypatch, limit=1)
    expected = "content of 150x101 px needs more memory than cpu has, even in tiles of 72 px"
    with pytest.raises(MemoryError, match=expected):
        pipe(photo, photo)
    assert len(sides) == 2
