"""StyleKernelPipeline: pictures of any kind in, the repainted pictures out."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from diffusers.pipelines.pipeline_utils import DiffusionPipeline
from diffusers.utils.outputs import BaseOutput
from jaxtyping import Float, Num
from torch import Tensor

from stylekernel_hf.image_io import MAX_PIXELS
from stylekernel_hf.image_processor import (
    ImageInput,
    OutputType,
    check_size,
    fit_short_side,
    from_rgb_tensor,
    pad_to_multiple,
    to_rgb_tensor,
    to_rgb_tensors,
)
from stylekernel_hf.model.style_embedding import StyleEmbedding
from stylekernel_hf.model.style_kernel import StyleKernelModel
from stylekernel_hf.tiling.painting import Painting
from stylekernel_hf.tiling.tile_size import check_tile_size

logger = logging.getLogger(__name__)

MIN_SIDE = 16
StyleInput = ImageInput | StyleEmbedding


@dataclass
class StyleKernelPipelineOutput(BaseOutput):
    """What a call returns: one picture per content, in the order of the contents."""

    images: list[Any]


class StyleKernelPipeline(DiffusionPipeline):
    """Repaints photos in the style of any painting, in one feed-forward pass each."""

    model: StyleKernelModel

    def __init__(self, model: StyleKernelModel) -> None:
        super().__init__()
        self.register_modules(model=model)
        # A library draws no bars unasked: the command line and the demo turn them on.
        self.set_progress_bar_config(disable=True)

    @torch.inference_mode()
    def __call__(
        self,
        content: ImageInput | Sequence[ImageInput],
        style: StyleInput | Sequence[StyleInput],
        *,
        strength: float = 1.0,
        style_size: int | None = 512,
        tile_size: int | None = None,
        output_type: OutputType = "pil",
    ) -> StyleKernelPipelineOutput:
        """Repaint every content; each result is exactly as large as its content.

        `content` and `style` are a path, bytes, PIL image, NumPy array or tensor (see
        `stylekernel_hf.image_processor.to_rgb_tensor`) of at least 16 px a side, or a list of
        them. One style serves all contents; a list of styles holds one per content. A style may
        also be what `encode_style` returned. `strength` runs from the photo itself (0, returned
        unchanged) to the full style (1). `style_size` is the short side in px to which style
        images are scaled first, so that a smaller one makes finer strokes; None keeps their size.
        `tile_size` is the side in px of the tiles in which a larger content is painted, a multiple
        of the model's stride; tiles bound the memory and change no value by more than 1/255 in
        float32. None tiles only what would take the network more than 512 MiB, on CUDA more than
        half of the free memory. Where a device runs out of memory, tiles of half the side are
        tried once.
        `output_type` is "pil", "np" (float32 HxWxC in [0, 1]) or "pt" (CxHxW). An alpha channel
        of a content is kept as it is.

        Raises ValueError, TypeError or OSError with the name of the argument at fault.
        """
        # 1. Check and read the inputs.
        _check_strength(strength)
        _check_output_type(output_type)
        check_tile_size(tile_size, self.model)
        contents, _ = to_rgb_tensors(content, name="content", keep_bytes=True)
        for index, (rgb, _) in enumerate(contents):
            name = "content" if len(contents) == 1 else f"content[{index}]"
            check_size(rgb, name=name, min_side=MIN_SIDE, max_pixels=MAX_PIXELS)
        # 2. Encode each style once.
        styles = self._encode_styles(style, len(contents), style_size)
        # 3. Repaint the contents one by one, in one piece or tile by tile.
        paintings = [Painting(self.model, rgb, float(strength), tile_size) for rgb, _ in contents]
        images: list[Any] = []
        progress_bar: Any = self.progress_bar  # diffusers' hints describe a decorator
        with progress_bar(total=sum(painting.steps for painting in paintings)) as bar:
            for index, (painting, (rgb, alpha)) in enumerate(zip(paintings, contents, strict=True)):
                embedding = styles[index if len(styles) > 1 else 0]
                if strength > 0:
                    rgb = self._paint(painting, embedding, output_type == "pil", bar)
                else:
                    bar.update(painting.steps)
                images.append(from_rgb_tensor(rgb, alpha, output_type=output_type))
        return StyleKernelPipelineOutput(images=images)

    @torch.inference_mode()
    def encode_style(self, style: ImageInput, *, style_size: int | None = 512) -> StyleEmbedding:
        """Encode one style image for use as `style` in any number of calls.

        `style_size` is the short side in px to which the image is scaled first; None keeps it.
        """
        _check_style_size(style_size)
        return self._encode(style, "style", style_size)

    def _encode_styles(
        self, style: StyleInput | Sequence[StyleInput], count: int, style_size: int | None
    ) -> list[StyleEmbedding]:
        _check_style_size(style_size)
        styles, several = _style_items(style)
        if len(styles) not in (1, count):
            raise ValueError(
                f"style must be one image or one per content: got {len(styles)} styles for "
                f"{count} contents"
            )
        names = [f"style[{index}]" if several else "style" for index in range(len(styles))]
        return [
            self._encode(item, name, style_size) for item, name in zip(styles, names, strict=True)
        ]

    def _encode(self, style: StyleInput, name: str, style_size: int | None) -> StyleEmbedding:
        if isinstance(style, StyleEmbedding):
            self._check_embedding(style, name)
            return style.to(self.device, self.dtype)
        rgb, _ = to_rgb_tensor(style, name=name)
        check_size(rgb, name=name, min_side=MIN_SIDE, max_pixels=MAX_PIXELS)
        if style_size is not None:
            rgb = fit_short_side(rgb, style_size)
        rgb, _ = pad_to_multiple(rgb, self.model.style_stride)
        return self.model.encode_style(self._to_model(rgb))

    def _check_embedding(self, style: StyleEmbedding, name: str) -> None:
        alignment = self.model.style_alignment
        needed = (alignment.key.out_channels, alignment.value.out_channels)
        came = (style.key.shape[-1], style.value.shape[-1])
        width = self.model.config["code_channels"]
        if needed != came or style.code.shape[-1] != width:
            raise ValueError(
                f"{name} was encoded by another checkpoint: its key, value and code are "
                f"{(*came, style.code.shape[-1])} wide, not {(*needed, width)}"
            )

    def _paint(
        self, painting: Painting, style: StyleEmbedding, as_bytes: bool, bar: Any
    ) -> Num[Tensor, "1 3 h w"]:
        end = bar.n + painting.steps
        with contextlib.suppress(torch.OutOfMemoryError):
            return painting.paint(style, as_bytes=as_bytes, on_step=bar.update)
        # Only here is the error gone, and with it what it kept alive on the device.
        painting = painting.in_smaller_tiles()
        side = painting.tile_size
        logger.warning("out of memory on %s: trying tiles of %s px", self.device, side)
        bar.total += bar.n + painting.steps - end
        try:
            return painting.paint(style, as_bytes=as_bytes, on_step=bar.update)
        except torch.OutOfMemoryError as error:
            raise MemoryError(
                f"content of {painting.width}x{painting.height} px needs more memory than "
                f"{self.device} has, even in tiles of {side} px: choose a smaller tile_size"
            ) from error

    def _to_model(self, rgb: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
        return rgb.to(self.device, self.dtype, memory_format=torch.channels_last)


def _style_items(style: StyleInput | Sequence[StyleInput]) -> tuple[list[Any], bool]:
    if isinstance(style, list | tuple):
        return list(cast(Sequence[Any], style)), True
    if isinstance(style, np.ndarray | Tensor) and style.ndim == 4:
        return list(style), True
    return [style], False


def _check_strength(strength: float) -> None:
    if not isinstance(cast(object, strength), int | float):
        raise TypeError(f"strength must be a number, got {type(strength).__name__}")
    if not (math.isfinite(strength) and 0 <= strength <= 1):
        raise ValueError(f"strength must lie in [0, 1], got {strength}")


def _check_style_size(style_size: int | None) -> None:
    if style_size is not None and not 64 <= style_size <= 4096:
        raise ValueError(f"style_size must lie in [64, 4096] px or be None, got {style_size}")


def _check_output_type(output_type: str) -> None:
    if output_type not in ("pil", "np", "pt"):
        raise ValueError(f"output_type must be 'pil', 'np' or 'pt', got {output_type!r}")
