"""CUDA graphs on a GPU; without one, that the network is run the usual way."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from torch import Tensor

from stylekernel_hf.pipelines import cuda_graphs
from stylekernel_hf.pipelines.cuda_graphs import RecordedForward, Recording
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.pretrained.model import StyleKernelModel
from tests.tiny import tiny_model


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The sizes that are recorded from now on."""
    record, recorded = cuda_graphs.record, list[tuple[int, ...]]()

    def noted(model: StyleKernelModel, inputs: tuple[Tensor, ...]) -> Recording:
        recorded.append(tuple(inputs[0].shape[2:]))
        return record(model, inputs)

    monkeypatch.setattr(cuda_graphs, "record", noted)
    return recorded


def picture(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.gpu
@torch.no_grad()
def test_replays_equal_the_network(sizes: list[tuple[int, ...]]) -> None:
    model = tiny_model().cuda()
    forward = RecordedForward(model)
    styles = [model.encode_style(picture(64, 64, seed).cuda()) for seed in (1, 2)]
    contents = [picture(*size).cuda() for size in ((64, 80), (96, 64), (64, 80, 3))]
    pairs = [(content, style) for content in contents for style in styles]
    results = [forward(content, style) for content, style in pairs]
    # Compared only now: a later replay must not write into what an earlier one returned.
    for actual, (content, style) in zip(results, pairs, strict=True):
        torch.testing.assert_close(actual, model(content, style))
    assert sizes == [(64, 80), (96, 64)]


@pytest.mark.gpu
@torch.no_grad()
def test_latest_sizes_are_kept(sizes: list[tuple[int, ...]]) -> None:
    model = tiny_model().cuda()
    forward = RecordedForward(model)
    style = model.encode_style(picture(64, 64).cuda())
    for width in (64, 80, 96, 112, 64, 128, 64, 80):
        forward(picture(64, width).cuda(), style)
    assert [width for _, width in sizes] == [64, 80, 96, 112, 128, 80]


@pytest.mark.gpu
@torch.no_grad()
def test_network_that_was_cast_is_recorded_anew(sizes: list[tuple[int, ...]]) -> None:
    model = tiny_model().cuda()
    forward = RecordedForward(model)
    for _ in range(2):
        content = picture(64, 64).cuda().to(model.dtype)
        style = model.encode_style(content)
        torch.testing.assert_close(forward(content, style), model(content, style))
        model.double()
    assert len(sizes) == 2


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_other_passes_are_not_recorded(
    sizes: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    model = tiny_model().to(device)
    forward = RecordedForward(model)
    content = picture(64, 64).to(device)
    style = model.encode_style(content)
    assert forward(content, style).requires_grad
    with torch.no_grad():
        for strength in (0.5, torch.full((1, 1, 64, 64), 0.5, device=device)):
            expected = model(content, style, strength)
            torch.testing.assert_close(forward(content, style, strength), expected)
        monkeypatch.setattr(cuda_graphs, "MOST_PIXELS", 64 * 64 - 1)
        torch.testing.assert_close(forward(content, style), model(content, style))
    assert sizes == []


@torch.no_grad()
def test_batches_count_with_all_their_pixels(
    sizes: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda_graphs, "_is_on_gpu", lambda _: True)
    monkeypatch.setattr(cuda_graphs, "MOST_PIXELS", 64 * 64)
    model = tiny_model()
    forward, content = RecordedForward(model), picture(64, 64)
    style = model.encode_style(content)
    forward(content.repeat(2, 1, 1, 1), style)
    assert sizes == []
    forward(content, style)  # It cannot be recorded on the CPU, but is tried.
    assert sizes == [(64, 64)]


@torch.no_grad()
def test_network_on_the_cpu_is_not_recorded(sizes: list[tuple[int, ...]]) -> None:
    model = tiny_model()
    content = picture(64, 64)
    style = model.encode_style(content)
    actual = RecordedForward(model)(content, style)
    torch.testing.assert_close(actual, model(content, style))
    assert sizes == []


@torch.no_grad()
def test_failing_recording_is_reported_once_and_the_network_runs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Recording a network on the CPU fails.
    monkeypatch.setattr(cuda_graphs, "_is_on_gpu", lambda _: True)
    model = tiny_model()
    content = picture(64, 64)
    style = model.encode_style(content)
    forward = RecordedForward(model)
    with caplog.at_level(logging.WARNING, logger="stylekernel_hf"):
        for _ in range(2):
            torch.testing.assert_close(forward(content, style), model(content, style))
        assert not cuda_graphs.record_network(model)
    assert model._compiled_call_impl is None
    first, second = (entry.getMessage() for entry in caplog.records)
    assert first == second
    assert first.startswith("CUDA graphs do not work here, running without: ")


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


def test_other_devices_go_on_without_graphs(caplog: pytest.LogCaptureFixture) -> None:
    pipe = StyleKernelPipeline(tiny_model())
    before = pipe(picture(80, 72)[0], picture(64, 64)[0], output_type="pt").images[0]
    with caplog.at_level(logging.WARNING, logger="stylekernel_hf"):
        assert not pipe.compile()
    assert caplog.messages == ["CUDA graphs need a CUDA device, got cpu: running without"]
    after = pipe(picture(80, 72)[0], picture(64, 64)[0], output_type="pt").images[0]
    assert torch.equal(after, before)


@pytest.mark.gpu
@torch.inference_mode()
def test_recorded_network_answers_in_place_of_its_forward(sizes: list[tuple[int, ...]]) -> None:
    model = tiny_model().cuda()
    contents = [picture(height, 96, height).cuda() for height in (64, 96, 64)]
    styles = [model.encode_style(picture(64, 64, seed).cuda()) for seed in (1, 2)]
    pairs = [(content, style) for content in contents for style in styles]
    expected = [model(content, style) for content, style in pairs]
    assert cuda_graphs.record_network(model)
    results = [model(content, style) for content, style in pairs]
    torch.testing.assert_close(results, expected)
    assert sizes == [(128, 128), (64, 96), (96, 96)]
