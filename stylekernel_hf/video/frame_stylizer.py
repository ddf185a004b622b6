"""Stylizes the frames of a video: what is the same for all is read, encoded and planned once."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import groupby
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
from stylekernel_hf.styles.mixing import Shares, combine, one_style
from stylekernel_hf.styles.picture_size import PALETTE_SIZE
from stylekernel_hf.styles.style_input import (
    StyleInput,
    read_style_picture,
    style_items,
)
from stylekernel_hf.tiling.coarse_to_fine import CoarseToFine
from stylekernel_hf.tiling.low_detail import measure_detail, model_for_detail
from stylekernel_hf.tiling.out_of_memory import retry_in_smaller_tiles
from stylekernel_hf.tiling.tile_side import check_tile_size
from stylekernel_hf.video.batch_size import choose_batch_size
from stylekernel_hf.video.frame_maps import FrameMaps
from stylekernel_hf.video.steadiness import FrameStatistics, SteadyStatistics, average_each

logger = logging.getLogger(__name__)


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


@dataclass(frozen=True)
class BegunFrame:
    """A frame that `FrameStylizer.begin` took, with the styles and shares of its time."""

    rgb: Num[Tensor, "1 3 h w"]
    style: EncodedStyle | StyleField | None
    shares: Shares
    steady: FrameStatistics | None


class FrameStylizer:
    """Stylizes frames of one size, (height, width), in the same styles and shares.

    `smoothing` is the half-life in seconds of the statistics of the frames, see
    `SteadyStatistics`; with 0 every frame is stylized by itself. `batch_size` is how many frames
    `finish` is best given at once; it shrinks where memory runs out.
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
        # Where maps move, no frame is like the next.
        self.batch_size = 1 if self._maps.move else self._choose_batch_size(size)

    def stylize(self, rgb: Num[Tensor, "1 3 h w"], time: Fraction) -> UInt8[Tensor, "1 3 h w"]:
        """Stylize the next frame, which is shown at `time`, in seconds of the clip."""
        return self.finish([self.begin(rgb, time)])[0]

    def begin(self, rgb: Num[Tensor, "1 3 h w"], time: Fraction) -> BegunFrame:
        """Take the next frame, for one call of `finish`."""
        if self._maps.move:
            self._shares = self._maps.shares(self._weights, time)
            self._style = combine(self._styles, self._shares.styles) if self._styles else None
        strength = self._shares.strength
        style = self._style if isinstance(strength, Tensor) or strength > 0 else None
        measured = self._steady if style is not None else None
        steady = None if measured is None else measured.begin(rgb, float(time))
        return BegunFrame(rgb, style, self._shares, steady)

    def finish(self, frames: Sequence[BegunFrame]) -> list[UInt8[Tensor, "1 3 h w"]]:
        """Stylize frames that `begin` took one after the other, beside those of other calls.

        Frames that differ only in their pictures go through the network together. The call waits
        for what the frame before them has measured: a thread that finishes that one must run, or
        have ended.
        """
        try:
            runs = groupby(frames, lambda each: (id(each.style), id(each.shares), each.rgb.dtype))
            return [picture for _, run in runs for picture in self._stylized([*run])]
        finally:
            for frame in frames:
                if frame.steady is not None:
                    frame.steady.finish()

    def _stylized(self, frames: Sequence[BegunFrame]) -> Sequence[UInt8[Tensor, "1 3 h w"]]:
        """Stylize frames that differ only in their pictures, in halves if memory runs out."""
        style = frames[0].style
        if style is None:
            return [self._without_network(each) for each in frames]
        if len(frames) == 1:
            return [self._alone(frames[0], style)]
        with contextlib.suppress(torch.OutOfMemoryError):
            return self._together(frames, style)
        # Outside the handler: the error's traceback would keep tensors alive on the device.
        half = (len(frames) + 1) // 2
        self.batch_size = min(self.batch_size, half)
        logger.warning("out of memory on %s: trying %d frames at once", self._pipe.device, half)
        return [*self._stylized(frames[:half]), *self._stylized(frames[half:])]

    def _without_network(self, frame: BegunFrame) -> UInt8[Tensor, "1 3 h w"]:
        if not self._palettes:
            return rounded_bytes(frame.rgb)  # In strength 0.
        return rounded_bytes(transfer_color(frame.rgb, self._palettes, *frame.shares))

    def _alone(
        self, frame: BegunFrame, style: EncodedStyle | StyleField
    ) -> UInt8[Tensor, "1 3 h w"]:
        color = self._options.color
        adjust = None if frame.steady is None else frame.steady.average
        stylized = retry_in_smaller_tiles(
            self._forward(frame.rgb, frame.shares.strength),
            lambda each: each.run(
                style, as_bytes=color == "style", on_step=_nothing, adjust=adjust
            ),
            self._pipe.device,
            name="content",
            remedy="tile_size",
        )
        return rounded_bytes(recolor(stylized, frame.rgb, color)).cpu()

    def _together(
        self, frames: Sequence[BegunFrame], style: EncodedStyle | StyleField
    ) -> Sequence[UInt8[Tensor, "1 3 h w"]]:
        # The device resizes and recolours as well: the processors decode and encode meanwhile.
        rgb = torch.cat([each.rgb for each in frames]).to(self._pipe.device)
        steady = [each.steady for each in frames if each.steady is not None]
        adjust = partial(average_each, steady) if steady else None
        forward = self._forward(rgb, frames[0].shares.strength)
        stylized = forward.run(style, as_bytes=False, on_step=_nothing, adjust=adjust)
        return rounded_bytes(recolor(stylized, rgb, self._options.color)).cpu().split(1)

    def _forward(self, rgb: Num[Tensor, "b 3 h w"], strength: float | Tensor) -> CoarseToFine:
        options = self._options
        return CoarseToFine(self._model_for, rgb, strength, options.tile_size, options.stroke_scale)

    def _choose_batch_size(self, size: tuple[int, int]) -> int:
        strength = self._shares.strength
        own_style = isinstance(strength, Tensor) or strength < 1
        scale = self._options.stroke_scale
        return choose_batch_size(self._pipe.model, size, scale, own_style=own_style)

    def _model_for(self, rgb: Num[Tensor, "b 3 h w"]) -> StyleKernelNetwork:
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
