"""The kinds of work that the benchmark measures."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from stylekernel_hf.devices.processors import adaptive_threads, share_processors
from stylekernel_hf.images.tensors import from_rgb_tensor
from stylekernel_hf.images.writing import save_image
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.styles.embedding import StyleEmbedding
from stylekernel_hf.tiling.tiled_forward import TiledForward

STYLE_SIZE = 512
_BUSY_SIZE = 512
# Seconds for which the load is observed before the network is measured beside a busy process.
_LOOKING = 0.3


@dataclass(frozen=True)
class Plan:
    """What is measured: `sizes` are sides of square pictures in px, `repeats` runs of each.

    Pictures of up to `whole_up_to` px are stylized in one piece, those larger than `tile_size` in
    tiles too.
    """

    sizes: Sequence[int]
    tile_size: int
    whole_up_to: int
    repeats: int

    def check(self, stride: int) -> None:
        """Raise ValueError for sizes that a network of this stride cannot take as they are."""
        wrong = [size for size in self.sizes if size < 64 or size % stride]
        if wrong or not self.sizes:
            raise ValueError(
                f"sizes must be multiples of {stride} px of at least 64, got {wrong or 'none'}"
            )

    @property
    def busy_size(self) -> int:
        """Side in px of the picture beside a busy process: the size nearest to 512 px."""
        return min(self.sizes, key=lambda size: abs(size - _BUSY_SIZE))

    def steps(self, device: str) -> int:
        """Number of measurements of one pipeline."""
        return (1 + (device.startswith("cpu"))) + sum(
            (size <= self.whole_up_to) + (size > self.tile_size) + 1 for size in self.sizes
        )


class Work(NamedTuple):
    """One kind of work on square pictures; `counted` if its operators can be counted."""

    name: str
    size: int
    run: Callable[[], object]
    counted: bool


def all_work(pipe: StyleKernelPipeline, plan: Plan) -> Iterator[Work]:
    """Yield the work: encoding a style, and at every size the network alone and file to file.

    The network alone stylizes a picture in an encoded style: in one piece without a margin, in
    tiles with the measuring pass and the margin. File to file reads a PNG, stylizes it with the
    tile size that the pipeline chooses, and writes a PNG. On a CPU, the network alone runs once
    more while another process is busy.
    """
    style_image = _to_model(_picture(STYLE_SIZE, seed=1), pipe)
    yield Work("style", STYLE_SIZE, lambda: pipe.model.encode_style(style_image), True)
    style = pipe.model.encode_style(style_image)
    for size in plan.sizes:
        if size <= plan.whole_up_to:
            yield _in_one_piece(pipe, style, size)
        if size > plan.tile_size:
            yield _in_tiles(pipe, style, size, plan.tile_size)
        with tempfile.TemporaryDirectory() as folder:
            yield _file_to_file(pipe, style, size, Path(folder))
    if pipe.device.type == "cpu":
        with busy_process(), sharing_processors():
            yield _beside_a_busy_process(pipe, style, plan.busy_size)


def _in_one_piece(pipe: StyleKernelPipeline, style: StyleEmbedding, size: int) -> Work:
    content = _to_model(_picture(size, seed=2), pipe)
    return Work("network", size, lambda: pipe.model(content, style), True)


def _beside_a_busy_process(pipe: StyleKernelPipeline, style: StyleEmbedding, size: int) -> Work:
    content = _to_model(_picture(size, seed=2), pipe)

    def run() -> object:
        with adaptive_threads():
            return pipe.model(content, style)

    return Work("network beside a busy process", size, run, False)


@contextmanager
def busy_process() -> Generator[None]:
    """Keep one processor busy by another process."""
    code = "print(flush=True)\nwhile True: pass"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield
    finally:
        process.kill()
        process.communicate()


@contextmanager
def sharing_processors() -> Generator[None]:
    """Let this process use fewer threads while other programs are busy."""
    share_processors()
    try:
        # The load is an average over this time.
        time.sleep(_LOOKING)
        yield
    finally:
        share_processors(False)


def _in_tiles(pipe: StyleKernelPipeline, style: StyleEmbedding, size: int, tile_size: int) -> Work:
    tiled = TiledForward(pipe.model, _picture(size, seed=2), 1.0, tile_size)

    def run() -> object:
        return tiled.run(style, as_bytes=True, on_step=lambda: None)

    return Work(f"network, {tile_size} px tiles", size, run, False)


def _file_to_file(
    pipe: StyleKernelPipeline, style: StyleEmbedding, size: int, folder: Path
) -> Work:
    source, target = folder / "content.png", folder / "stylized.png"
    save_image(from_rgb_tensor(_picture(size, seed=2), output_type="pil"), source)
    return Work(
        "file to file", size, lambda: save_image(pipe(source, style).images[0], target), False
    )


def _picture(size: int, seed: int) -> Tensor:
    """Return smooth random colours in uint8, which PNG compresses about as well as a photo."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, size // 8, size // 8, generator=generator)
    fine = torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear")
    return (fine * 255).to(torch.uint8)


def _to_model(rgb: Tensor, pipe: StyleKernelPipeline) -> Tensor:
    floats = (rgb / 255).to(pipe.device, pipe.dtype)
    return floats.contiguous(memory_format=torch.channels_last)
