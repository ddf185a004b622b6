"""The encoder of a GPU: chosen where a trial works, and with the same promises."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("av", reason="needs PyAV")

from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.video import gpu_encoding, recording, stylizing
from stylekernel_hf.video.encoding import Encoding, SegmentWriter
from stylekernel_hf.video.formats import CODECS, LOSSLESS, Codec
from stylekernel_hf.video.gpu_encoding import GPU_CODECS, on_gpu
from stylekernel_hf.video.stylizing import VideoProgress, stylize_video
from tests.tiny import vivid_model
from tests.video.clips import Clip, decode, save_clip

CUDA = torch.device("cuda")
IRREGULAR = (0, 20, 45, 50, 120, 121, 200, 230, 400, 410)


def encoding(name: str = "h264", size: tuple[int, int] = (64, 48)) -> Encoding:
    codec = {**CODECS, "lossless": LOSSLESS}[name]
    return Encoding(codec, 80, *size, Fraction(1), Fraction(25), Fraction(1, 600))


def pretend(monkeypatch: pytest.MonkeyPatch, encoder: str, *options: tuple[str, str]) -> None:
    """Let another encoder stand for that of a GPU, for all codecs."""
    codecs = {name: Codec(name, encoder, 37, 12, options, True) for name in (*CODECS, "lossless")}
    monkeypatch.setattr(gpu_encoding, "GPU_CODECS", codecs)


def test_encoder_that_works_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "libx264", ("preset", "ultrafast"))
    found = on_gpu(encoding(), CUDA)
    assert found.codec.options == (("preset", "ultrafast"),)
    assert repr(found) != repr(encoding())


@pytest.mark.parametrize(
    ("name", "size", "device"),
    [("h264", (65, 48), CUDA), ("lossless", (64, 48), CUDA), ("h264", (64, 48), None)],
)
def test_processor_keeps_what_a_gpu_might_change(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    size: tuple[int, int],
    device: torch.device | None,
) -> None:
    pretend(monkeypatch, "libx264")
    expected = encoding(name, size)
    assert on_gpu(expected, device or torch.device("cpu")) is expected


class LateWriter(SegmentWriter):
    def write(self, picture: torch.Tensor, times: Iterable[int]) -> None:
        super().write(picture, tuple(2 * time for time in times))


@pytest.mark.parametrize(
    ("encoder", "said"),
    [
        ("h264_none", "h264_none"),
        pytest.param(
            "h264_nvenc",
            "",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without"),
        ),
        ("libx264rgb", "libx264rgb"),
        ("late", "other times"),
        ("small", "frames of"),
    ],
)
def test_encoder_that_does_not_work_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, encoder: str, said: str
) -> None:
    pretend(monkeypatch, "libx264" if encoder in ("late", "small") else encoder)
    if encoder == "late":
        monkeypatch.setattr(gpu_encoding, "SegmentWriter", LateWriter)
    if encoder == "small":
        smaller: Any = lambda path, told: SegmentWriter(path, encoding(size=(32, 48)))  # noqa: E731
        monkeypatch.setattr(gpu_encoding, "SegmentWriter", smaller)
    expected = encoding()
    with caplog.at_level(logging.INFO, logger="stylekernel_hf"):
        assert on_gpu(expected, CUDA) is expected
    (message,) = caplog.messages
    assert " does not work here, using libx264: " in message and said in message
    assert caplog.records[0].levelno == logging.INFO


class EndedError(Exception):
    pass


def test_video_keeps_its_promises_and_goes_on_only_in_the_same_encoder(
    pipe: StyleKernelPipeline, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, "libx264", ("preset", "ultrafast"), ("bf", "0"))
    monkeypatch.setattr(recording, "_part_length", lambda pixels: 3)
    content = save_clip(tmp_path / "clip.mp4", Clip(times=IRREGULAR, aspect=Fraction(4, 3)))
    output = tmp_path / "out.mp4"

    def end(progress: VideoProgress) -> None:
        if progress.done == 8:
            raise EndedError

    def stylize(device: torch.device, **options: Any) -> int:
        monkeypatch.setattr(stylizing, "on_gpu", lambda told, _: on_gpu(told, device))
        return stylize_video(pipe, content, painting, output, **options).kept_frames

    with pytest.raises(EndedError):
        stylize(CUDA, on_frame=end)
    assert stylize(torch.device("cpu")) == 0
    with pytest.raises(EndedError):
        stylize(CUDA, on_frame=end)
    assert stylize(CUDA) in (3, 6)
    actual = decode(output)
    assert actual.times == [Fraction(time, 600) for time in IRREGULAR]
    assert actual.pictures[0].shape == (48, 64, 3)
    assert (actual.tags, actual.aspect) == ((1, 1, 1, 1), Fraction(4, 3))


@pytest.mark.parametrize("name", GPU_CODECS)
def test_quality_of_a_gpu_is_that_of_the_processor(name: str) -> None:
    for quality in (1, 80, 100):
        factor = CODECS[name].options_for(quality)["crf"]
        options = GPU_CODECS[name].options_for(quality)
        assert (options["cq"], "crf" in options) == (factor, False)


@pytest.mark.gpu
@pytest.mark.parametrize("name", GPU_CODECS)
def test_video_is_encoded_by_the_gpu(painting: Path, tmp_path: Path, name: str) -> None:
    size = (640, 360)
    if on_gpu(encoding(name, size), CUDA).codec != GPU_CODECS[name]:
        pytest.skip(f"this GPU encodes no {name}")
    on_cuda = StyleKernelPipeline(vivid_model().cuda())
    content = save_clip(tmp_path / "clip.mp4", Clip(times=IRREGULAR, size=size))
    stylize_video(on_cuda, content, painting, tmp_path / "out.mp4", codec=name)
    actual = decode(tmp_path / "out.mp4")
    assert actual.times == [Fraction(time, 600) for time in IRREGULAR]
    assert actual.pictures[0].shape == (360, 640, 3)
    assert actual.tags == (1, 1, 1, 1)
