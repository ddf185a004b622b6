"""Stylizes the frames of a video: what is the same for all is read, encoded and planned once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from jaxtyping import Num, UInt8
from torch import Tensor

from stylekernel_hf.images.color_mode_names import COLOR_MODES, ColorMode
from stylekernel_hf.images.color_modes import recolor, transfer_color
from stylekernel_hf.images.tensors import ImageInput, rounded_bytes
from stylekernel_hf.model.encoded_style import EncodedStyle
from stylekernel_hf.model.style_field import StyleField
from stylekernel_hf.model.style_kernel import StyleKernelNetwork
from stylekernel_hf.pipelines.call_checks import (
    check_choice,
    check_combination,
    check_strength,
    check_stroke_scale,
    check_style_size,
)
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.styles.embedding import StyleEmbedding
from stylekernel_hf.styles.library import StyleLibrary
from stylekernel_hf.styles.mixing import combine, one_style
from stylekernel_hf.styles.picture_size import PALETTE_SIZE
from stylekernel_hf.styles.style_input import (
    StyleInput,
    read_style_picture,
    style_items,
)
from stylekernel_hf.tiling.coarse_to_fine import AdjustPass, CoarseToFine
from stylekernel_hf.tiling.low_detail import measure_detail, model_for_detail
from stylekernel_hf.tiling.out_of_memory import retry_in_smaller_tiles
from stylekernel_hf.tiling.tile_side import check_tile_size
from stylekernel_hf.video.frame_maps import FrameMaps
from stylekernel_hf.video.steadiness import SteadyStatistics


@dataclass(frozen=True)
class FrameOptions:
    """The options of the pipeline's call that hold for every frame, checked."""

    strength: float | ImageInput = 1.0
    style_weights: Sequence[float] | None = None
    masks: Sequence[ImageInput] | None = None
    color: ColorMode = "style"
    style_size: int | None = 512
    stroke_scale: float = 1.0
    tile_size: int | None = None

    def checked(self, model: StyleKernelNetwork) -> FrameOptions:
        """Return the options as the pipeline takes them; ValueError or TypeError for others."""
        check_choice("color", self.color, COLOR_MODES)
        return FrameOptions(
            check_strength(self.strength),
            self.style_weights,
            self.masks,
            self.color,
            check_style_size(self.style_size),
            check_stroke_scale(self.stroke_scale),
            check_tile_size(self.tile_size, model.stride),
        )


class FrameStylizer:
    """Stylizes frames of one size, (height, width), in the same styles and shares.

    `smoothing` is the half-life in seconds of the statistics of the frames, see
    `SteadyStatistics`; with 0 every frame is stylized by itself.
    """

    def __init__(
        self,
        pipe: StyleKernelPipeline,
        style: StyleInput | Sequence[StyleInput] | StyleLibrary,
        size: tuple[int, int],
        options: FrameOptions,
        smoothing: float = 0.0,
    ) -> None:
        self._pipe, self._options, self._smoothing = pipe, options, smoothing
        self._steady = SteadyStatistics(smoothing) if smoothing else None
        named = style_items(style)
        weights = check_combination(len(named), 1, options.style_weights, options.masks)
        self._maps = FrameMaps(size, options.strength, options.masks)
        self._weights = weights or one_style(len(named), 0)
        self._shares = self._maps.shares(self._weights, Fraction(0))
        self._palettes: list[Tensor] = []
        self._styles: list[StyleEmbedding] = []
        for name, item in named.items():
            if options.color == "transfer":
                purpose = "color='transfer'"
                palette = read_style_picture(item, name, purpose, style_size=PALETTE_SIZE)
                self._palettes.append(palette)
            else:
                self._styles.append(pipe.encode_style(item, style_size=options.style_size))
        self._style = combine(self._styles, self._shares.styles) if self._styles else None

    def stylize(self, rgb: Num[Tensor, "1 3 h w"], time: Fraction) -> UInt8[Tensor, "1 3 h w"]:
        """Stylize the next frame, which is shown at `time`, in seconds of the clip."""
        return self.begin(rgb, time)()

    def begin(
        self, rgb: Num[Tensor, "1 3 h w"], time: Fraction
    ) -> Callable[[], UInt8[Tensor, "1 3 h w"]]:
        """Take the next frame; return what stylizes it, beside the frames before it or after them.

        What is returned must be called once. It waits for what the frame before has measured: a
        thread that stylizes that one must run, or have ended.
        """
        if self._maps.move:
            self._shares = self._maps.shares(self._weights, time)
            self._style = combine(self._styles, self._shares.styles) if self._styles else None
        shares, style, color = self._shares, self._style, self._options.color
        strength = shares.strength
        if style is None:
            return lambda: rounded_bytes(transfer_color(rgb, self._palettes, *shares))
        if not isinstance(strength, Tensor) and strength == 0:
            return lambda: rounded_bytes(rgb)
        steady = None if self._steady is None else self._steady.begin(rgb, float(time))

        def stylize() -> UInt8[Tensor, "1 3 h w"]:
            try:
                adjust = None if steady is None else steady.average
                stylized = self._forward(rgb, style, strength, adjust)
            finally:
                if steady is not None:
                    steady.finish()
            return rounded_bytes(recolor(stylized, rgb, color)).cpu()

        return stylize

    def _forward(
        self,
        rgb: Num[Tensor, "1 3 h w"],
        style: EncodedStyle | StyleField,
        strength: float | Tensor,
        adjust: AdjustPass | None,
    ) -> Num[Tensor, "1 3 h w"]:
        options = self._options
        forward = CoarseToFine(
            self._model_for, rgb, strength, options.tile_size, options.stroke_scale
        )
        as_bytes = options.color == "style"
        return retry_in_smaller_tiles(
            forward,
            lambda each: each.run(style, as_bytes=as_bytes, on_step=_nothing, adjust=adjust),
            self._pipe.device,
            name="content",
            remedy="tile_size",
        )

    def _model_for(self, rgb: Num[Tensor, "1 3 h w"]) -> StyleKernelNetwork:
        return model_for_detail(self._pipe.model, lambda: measure_detail(rgb))

    def snapshot(self) -> Callable[[], Any]:
        """Return what gives, as what JSON can hold, all that the next frame depends on.

        What is returned may be called once the frame that `begin` took last is stylized.
        """
        return _nothing if self._steady is None else self._steady.snapshot()

    def restore(self, state: Any) -> None:
        """Go on after the frame at which this was the snapshot."""
        if self._steady is not None:
            self._steady.restore(state)

    def fingerprint(self) -> str:
        """Return what is the same only where the same frame becomes the same picture."""
        digest = hashlib.sha256()
        parts: list[Tensor] = [*self._palettes, self._shares.styles]
        for style in self._styles:
            parts += [style.key, style.value, style.code]
        strength = self._shares.strength
        parts.append(torch.as_tensor(strength))
        parts += list(self._pipe.model.state_dict().values())
        for part in parts:
            digest.update(f"{part.dtype}{tuple(part.shape)}".encode())
            digest.update(part.cpu().contiguous().flatten().view(torch.uint8).numpy().data)
        options = self._options
        told = (options.color, options.tile_size, options.stroke_scale, self._smoothing)
        digest.update(repr((told, self._maps.identity())).encode())
        return digest.hexdigest()


def _nothing() -> None:
    pass
