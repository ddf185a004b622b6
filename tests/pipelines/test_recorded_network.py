"""CUDA graphs; where there is no GPU, with a graph that runs the network anew at each replay."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from stylekernel_hf.pipelines import cuda_graphs
from stylekernel_hf.pipelines.cuda_graphs import RecordedForward, Recording
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.styles.embedding import StyleEmbedding
from tests.tiny import tiny_model


class Rerun:
    """What replaying does: reads the inputs where they lie, writes the picture where it lies."""

    def __init__(self, model: StyleKernelModel, inputs: Sequence[Tensor], painted: Tensor) -> None:
        self.model, self.inputs, self.painted = model, inputs, painted

    def replay(self) -> None:
        content, *style = self.inputs
        self.painted.copy_(self.model.forward(content, StyleEmbedding(*style)))


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The sizes that were recorded."""
    recorded: list[tuple[int, ...]] = []

    def record(model: StyleKernelModel, inputs: Sequence[Tensor]) -> Any:
        recorded.append(tuple(inputs[0].shape[2:]))
        copies = tuple(torch.full_like(each, torch.nan) for each in inputs)
        painted = torch.full_like(inputs[0], torch.nan)
        return Recording(Rerun(model, copies, painted), copies, painted)  # type: ignore[arg-type]

    monkeypatch.setattr(cuda_graphs, "record", record)
    monkeypatch.setattr(cuda_graphs, "_is_on_gpu", lambda _: True)
    return recorded


def picture(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_replays_paint_what_the_network_paints(sizes: list[tuple[int, ...]]) -> None:
    model = tiny_model()
    forward = RecordedForward(model)
    styles = [model.encode_style(picture(64, 64, seed)) for seed in (1, 2)]
    contents = [picture(64, 80), picture(96, 64), picture(64, 80, 3)]
    pairs = [(content, style) for content in contents for style in styles]
    painted = [forward(content, style) for content, style in pairs]
    # Compared only now: a later replay must not write into what an earlier one returned.
    for ours, (content, style) in zip(painted, pairs, strict=True):
        torch.testing.assert_close(ours, model(content, style))
    assert sizes == [(64, 80), (96, 64)]


@torch.no_grad()
def test_sizes_that_came_last_are_kept(sizes: list[tuple[int, ...]]) -> None:
    model = tiny_model()
    forward = RecordedForward(model)
    style = model.encode_style(picture(64, 64))
    for width in (64, 80, 96, 112, 64, 128, 64, 80):
        forward(picture(64, width), style)
    assert [width for _, width in sizes] == [64, 80, 96, 112, 128, 80]


@torch.no_grad()
def test_network_that_was_cast_is_recorded_anew(sizes: list[tuple[int, ...]]) -> None:
    model = tiny_model()
    forward = RecordedForward(model)
    for _ in range(2):
        content = picture(64, 64).to(model.dtype)
        style = model.encode_style(content)
        torch.testing.assert_close(forward(content, style), model(content, style))
        model.double()
    assert len(sizes) == 2


def test_what_is_no_plain_pass_goes_the_usual_way(
    sizes: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_model()
    forward = RecordedForward(model)
    content = picture(64, 64)
    style = model.encode_style(content)
    assert forward(content, style).requires_grad
    with torch.no_grad():
        for strength in (0.5, torch.full((1, 1, 64, 64), 0.5)):
            expected = model(content, style, strength)
            torch.testing.assert_close(forward(content, style, strength), expected)
        monkeypatch.setattr(cuda_graphs, "MOST_PIXELS", 64 * 64 - 1)
        torch.testing.assert_close(forward(content, style), model(content, style))
    assert not sizes


@torch.no_grad()
def test_failing_recording_is_reported_once_and_the_network_paints(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def record(*_: Any) -> Recording:
        raise RuntimeError("operation not permitted\nand a long story")

    monkeypatch.setattr(cuda_graphs, "_is_on_gpu", lambda _: True)
    monkeypatch.setattr(cuda_graphs, "record", record)
    model = tiny_model()
    content = picture(64, 64)
    style = model.encode_style(content)
    forward = RecordedForward(model)
    with caplog.at_level(logging.WARNING, logger="stylekernel_hf"):
        for _ in range(2):
            torch.testing.assert_close(forward(content, style), model(content, style))
        assert not cuda_graphs.record_network(model)
    assert model._compiled_call_impl is None
    reported = [entry.getMessage() for entry in caplog.records]
    assert reported == 2 * [
        "CUDA graphs do not work here, going on without: operation not permitted"
    ]


@torch.no_grad()
def test_out_of_memory_is_left_to_smaller_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    def record(*_: Any) -> Recording:
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(cuda_graphs, "_is_on_gpu", lambda _: True)
    monkeypatch.setattr(cuda_graphs, "record", record)
    model = tiny_model()
    forward = RecordedForward(model)
    with pytest.raises(torch.OutOfMemoryError):
        forward(picture(64, 64), model.encode_style(picture(64, 64)))
    assert forward.works


@torch.no_grad()
def test_recorded_network_answers_in_place_of_its_forward(sizes: list[tuple[int, ...]]) -> None:
    model = tiny_model()
    content = picture(64, 64)
    style = model.encode_style(content)
    expected = model(content, style)
    assert cuda_graphs.record_network(model)
    torch.testing.assert_close(model(content, style), expected)
    assert sizes == [(128, 128), (64, 64)]


def test_other_devices_go_on_without_graphs(caplog: pytest.LogCaptureFixture) -> None:
    pipe = StyleKernelPipeline(tiny_model())
    before = pipe(picture(80, 72)[0], picture(64, 64)[0], output_type="pt").images[0]
    with caplog.at_level(logging.WARNING, logger="stylekernel_hf"):
        assert not pipe.compile()
    assert caplog.messages == ["CUDA graphs need a CUDA device, got cpu: going on without"]
    after = pipe(picture(80, 72)[0], picture(64, 64)[0], output_type="pt").images[0]
    assert torch.equal(after, before)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@torch.inference_mode()
def test_recording_on_cuda_paints_what_the_network_paints() -> None:
    model = tiny_model().cuda()
    contents = [picture(height, 96, height).cuda() for height in (64, 96, 64)]
    styles = [model.encode_style(picture(64, 64, seed).cuda()) for seed in (1, 2)]
    pairs = [(content, style) for content in contents for style in styles]
    expected = [model(content, style) for content, style in pairs]
    assert cuda_graphs.record_network(model)
    painted = [model(content, style) for content, style in pairs]
    for ours, theirs in zip(painted, expected, strict=True):
        torch.testing.assert_close(ours, theirs)
