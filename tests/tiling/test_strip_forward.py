"""Strips give the picture that tiles in memory give, of rows that are read once and forgotten."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from stylekernel_hf.images.color_modes import recolor
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.tiling.padded_picture import PaddedPicture
from stylekernel_hf.tiling.receptive_field import full_reach
from stylekernel_hf.tiling.strip_forward import StripForward
from stylekernel_hf.tiling.strip_picture import StripPicture
from stylekernel_hf.tiling.tile_grid import Span
from stylekernel_hf.tiling.tiled_forward import TiledForward
from tests.tiny import tiny_model

CPU = torch.device("cpu")


class TrackedRows:
    """Rows of a tensor, in order, with a note of the largest number that was still needed."""

    def __init__(self, rgb: Tensor) -> None:
        self._rows = rgb[0].permute(1, 2, 0)
        self.read_so_far = 0

    def read(self, count: int) -> Tensor:
        start, self.read_so_far = self.read_so_far, self.read_so_far + count
        assert count > 0 and self.read_so_far <= len(self._rows)
        return self._rows[start : self.read_so_far].clone()


def stylized_in_strips(
    model: StyleKernelModel, rgb: Tensor, style: object, strength: float, color: str = "style"
) -> tuple[Tensor, list[TrackedRows], list[int]]:
    opened: list[TrackedRows] = []
    heights: list[int] = []

    def open_rows() -> TrackedRows:
        opened.append(TrackedRows(rgb))
        return opened[-1]

    forward = StripForward(model, open_rows, rgb.shape[2], rgb.shape[3], strength, 64)
    steps: list[None] = []
    strips: list[Tensor] = []
    for strip in forward.strips(
        style,  # type: ignore[arg-type]
        finish=lambda part, content: recolor(part, content, color),  # type: ignore[arg-type]
        on_step=lambda: steps.append(None),
    ):
        strips.append(strip)
        heights.append(len(strip))
    assert len(steps) == forward.steps
    return torch.cat(strips).permute(2, 0, 1)[None], opened, heights


@pytest.mark.parametrize(
    ("size", "strength"), [((130, 200), 0.4), ((65, 40), 1.0), ((17, 200), 1.0)]
)
def test_strips_equal_the_tiles_of_the_picture_in_memory(
    model: StyleKernelModel, photo: Tensor, strength: float, size: tuple[int, int]
) -> None:
    rgb = photo[:, :, : size[0], : size[1]]
    style = model.encode_style(photo[:, :, :64, -64:] / 255)
    in_memory = TiledForward(model, rgb, strength, 64).run(
        style, as_bytes=True, on_step=lambda: None
    )
    strips, opened, heights = stylized_in_strips(model, rgb, style, strength)
    assert in_memory.float().std() > 1
    if max(size) > 64:
        assert torch.equal(strips, in_memory)
    assert max(heights) <= 64
    # One to measure and one to paint; the first of all is for the geometry alone.
    assert [rows.read_so_far for rows in opened] == [0, size[0], size[0]]


def test_colours_are_kept_strip_by_strip(photo: Tensor) -> None:
    model = tiny_model().requires_grad_(False)
    style = model.encode_style(photo[:, :, :64, -64:] / 255)
    result = TiledForward(model, photo, 1.0, 64).run(style, as_bytes=False, on_step=lambda: None)
    expected = recolor(result, photo, "luminance")
    strips, _, _ = stylized_in_strips(model, photo, style, 1.0, "luminance")
    assert (strips / 255 - expected).abs().max() < 0.51 / 255


def test_freed_memory_is_given_back_before_every_strip(
    photo: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_model().requires_grad_(False)
    style = model.encode_style(photo[:, :, :64, -64:] / 255)
    calls: list[None] = []
    name = "stylekernel_hf.tiling.strip_forward.give_back_freed_memory"
    monkeypatch.setattr(name, lambda: calls.append(None))
    _, _, heights = stylized_in_strips(model, photo, style, 1.0)
    assert len(calls) == len(heights) > 1


@pytest.mark.parametrize("height", [500, 3000])
def test_rows_held_do_not_grow_with_the_height(height: int) -> None:
    model = tiny_model()
    rgb = torch.randint(0, 256, (1, 3, height, 16), dtype=torch.uint8)
    rows = TrackedRows(rgb)
    picture = StripPicture(rows, height, 16, 8, 72)
    halo, most = full_reach(model.config), 0
    for start in range(0, picture.height - 63, 64):
        span = Span(max(0, start - halo), min(picture.height, start + 64 + halo))
        picture.window(span, Span(0, 16), CPU, torch.float32)
        most = max(most, picture.rows_held)
    assert rows.read_so_far == height
    assert most <= 64 + 2 * halo + 2 * 80


@pytest.mark.parametrize("size", [(50, 37), (5, 90), (1, 1)])
def test_windows_of_strips_are_those_of_the_padded_picture(size: tuple[int, int]) -> None:
    rgb = torch.randint(0, 256, (1, 3, *size), dtype=torch.uint8)
    whole = PaddedPicture(rgb, 8, 20)
    strips = StripPicture(TrackedRows(rgb), *size, 8, 20)
    assert (strips.height, strips.width) == (whole.height, whole.width)
    for start in range(0, whole.height - 8, 8):
        place = Span(start, start + 16), Span(3, whole.width)
        expected = whole.window(*place, CPU, torch.bfloat16)
        window = strips.window(*place, CPU, torch.bfloat16)
        assert torch.equal(window, expected)
        assert window.is_contiguous(memory_format=torch.channels_last)
