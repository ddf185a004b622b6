"""Speed of videos on this machine: from file to file, beside the network alone."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from stylekernel_hf.devices.processors import share_processors
from stylekernel_hf.files.atomic_write import atomic_write
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.styles.embedding import StyleEmbedding
from stylekernel_hf.video.encoding import Encoding, SegmentWriter
from stylekernel_hf.video.formats import CODECS, DEFAULT_QUALITY
from stylekernel_hf.video.frame_stylizer import FrameOptions, FrameStylizer
from stylekernel_hf.video.stylizing import DEFAULT_SMOOTHING, stylize_video

_RATE = Fraction(25)
_STYLE_SIDE = 512
_WARM_UP = 3
# How far the picture of the clip moves from frame to frame, in px.
_STEP = 2


@dataclass(frozen=True)
class VideoSpeed:
    """Frames a second of square frames of `size` px."""

    device: str
    dtype: str
    size: int
    frames: int
    network: float
    """Of the network alone, with frames in memory, one after the other."""
    file_to_file: float
    """Of `stylize_video` as the shell runs it, with decoding and encoding beside it."""

    @property
    def share(self) -> float:
        """The speed from file to file, as a share of that of the network."""
        return self.file_to_file / self.network


def measure_videos(
    pipe: StyleKernelPipeline,
    sizes: Sequence[int],
    frames: int,
    on_measurement: Callable[[], object],
) -> list[VideoSpeed]:
    """Stylize a clip of each size, made of a texture that moves, with the defaults of videos."""
    generator = torch.Generator().manual_seed(0)
    painting = torch.rand(1, 3, _STYLE_SIDE, _STYLE_SIDE, generator=generator)
    style = pipe.encode_style(painting)
    found: list[VideoSpeed] = []
    for size in sizes:
        pictures = _moving_texture(size, frames, generator)
        network = _network_speed(pipe, style, pictures)
        on_measurement()
        file_to_file = _file_speed(pipe, style, pictures)
        on_measurement()
        dtype = str(pipe.model.dtype).removeprefix("torch.")
        found.append(VideoSpeed(str(pipe.device), dtype, size, frames, network, file_to_file))
    return found


def write_video_json(speeds: Sequence[VideoSpeed], machine: dict[str, Any], path: Path) -> None:
    """Write the speeds and the machine that they hold for; the file appears whole or not at all."""
    figures = {"machine": machine, "video": [asdict(speed) for speed in speeds]}
    atomic_write(path, (json.dumps(figures, indent=1) + "\n").encode())


def _moving_texture(
    size: int, frames: int, generator: torch.Generator
) -> list[UInt8[Tensor, "1 3 s s"]]:
    coarse = torch.rand(1, 3, 24, 32, generator=generator)
    shape = (size, size + _STEP * frames)
    wide = torch.nn.functional.interpolate(coarse, shape, mode="bicubic", align_corners=False)
    rounded = (wide.clamp(0, 1) * 255).to(torch.uint8)
    return [
        rounded[..., _STEP * number : _STEP * number + size].contiguous()
        for number in range(frames)
    ]


def _network_speed(
    pipe: StyleKernelPipeline, style: StyleEmbedding, pictures: Sequence[UInt8[Tensor, "1 3 s s"]]
) -> float:
    size = (pictures[0].shape[2], pictures[0].shape[3])
    options = FrameOptions().checked(pipe.model)
    stylizer = FrameStylizer(pipe, style, size, options, DEFAULT_SMOOTHING)
    with torch.inference_mode():
        for picture in pictures[:_WARM_UP]:
            stylizer.stylize(picture, Fraction(0))
        start = time.perf_counter()
        for number, picture in enumerate(pictures):
            stylizer.stylize(picture, number / _RATE)
        return len(pictures) / (time.perf_counter() - start)


def _file_speed(
    pipe: StyleKernelPipeline, style: StyleEmbedding, pictures: Sequence[UInt8[Tensor, "1 3 s s"]]
) -> float:
    size = pictures[0].shape[2]
    encoding = Encoding(CODECS["h264"], DEFAULT_QUALITY, size, size, Fraction(1), _RATE, 1 / _RATE)
    with tempfile.TemporaryDirectory() as folder:
        content = Path(folder, "clip.mp4")
        writer = SegmentWriter(content, encoding)
        for number, picture in enumerate(pictures):
            writer.write(picture, (number,))
        writer.finish()
        share_processors()  # As the shell does.
        try:
            start = time.perf_counter()
            found = stylize_video(pipe, content, style, Path(folder, "out.mp4"))
            return found.frames / (time.perf_counter() - start)
        finally:
            share_processors(False)
