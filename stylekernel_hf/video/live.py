"""Pictures stylized as they come, such as those of a camera, without pulsing colours."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import torch
from PIL import Image

from stylekernel_hf.images.color_mode_names import ColorMode
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.styles.library import StyleLibrary
from stylekernel_hf.styles.style_input import StyleInput
from stylekernel_hf.video.frame_stylizer import FrameOptions, FrameStylizer
from stylekernel_hf.video.option_checks import check_smoothing
from stylekernel_hf.video.stylizing import DEFAULT_SMOOTHING


class LiveStylizer:
    """Stylizes pictures as they come, in the same styles, steady in time as `stylize_video` is.

    The styles are encoded once, and again only when the size of the pictures changes.

    Args:
        pipe: The pipeline.
        style: A style, or several to be mixed, as in a call of the pipeline.
        strength: From 0, the picture itself, to 1, the full style.
        style_weights: The share of each style.
        color: As in a call of the pipeline.
        style_size: Short side in px at which styles are encoded; None for their own.
        stroke_scale: Width of the strokes, from 0.5 to 4.
        smoothing: Half-life in seconds of the statistics of the pictures; 0 for none.

    Raises:
        ImportError: PyAV, the extra "video", is missing.
        ValueError, TypeError: An option is not as the pipeline takes it.

    Example:
        >>> from PIL import Image
        >>> from stylekernel_hf import LiveStylizer, pipeline
        >>> live = LiveStylizer(pipeline("style-kernel"), Image.new("RGB", (64, 64), "navy"))
        >>> live.stylize(Image.new("RGB", (64, 48), "teal"), time=0.0).size
        (64, 48)
    """

    def __init__(
        self,
        pipe: StyleKernelPipeline,
        style: StyleInput | Sequence[StyleInput] | StyleLibrary,
        *,
        strength: float = 1.0,
        style_weights: Sequence[float] | None = None,
        color: ColorMode = "style",
        style_size: int | None = 512,
        stroke_scale: float = 1.0,
        smoothing: float = DEFAULT_SMOOTHING,
    ) -> None:
        self._pipe, self._style = pipe, style
        self._options = FrameOptions(
            strength, style_weights, None, color, style_size, stroke_scale
        ).checked(pipe.model)
        self._smoothing = check_smoothing(smoothing)
        self._size: tuple[int, int] | None = None
        self._frames: FrameStylizer | None = None

    @torch.inference_mode()
    def stylize(self, picture: Image.Image, time: float) -> Image.Image:
        """Stylize the next picture.

        Args:
            picture: At least 16 px a side; its transparency is lost.
            time: When it was taken, in seconds, later than the one before.

        Returns:
            A picture of the same size.
        """
        if self._frames is None or picture.size != self._size:
            width, height = self._size = picture.size
            self._frames = FrameStylizer(
                self._pipe, self._style, (height, width), self._options, self._smoothing
            )
        pixels = torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1)[None]
        stylized = self._frames.stylize(pixels.contiguous(), Fraction(time))
        return Image.fromarray(stylized[0].permute(1, 2, 0).contiguous().numpy())
