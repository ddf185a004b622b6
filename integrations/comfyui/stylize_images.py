"""The node that stylizes pictures and frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.utils import ProgressBar
from comfy_api.v0_0_2 import io
from torch import Tensor

from stylekernel_hf import StyleKernelPipeline
from stylekernel_hf.video.frame_stylizer import FrameOptions, FrameStylizer

from .socket_types import CATEGORY, Mixture, Style, StyleKernel

SMOOTHING = 0.5
"""Half-life in seconds of what is measured in the frames of a video, as in `stylize_video`."""


class StylizeImages(io.ComfyNode):
    """Stylizes every picture of a batch, or the frames of a video."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node to ComfyUI."""
        return io.Schema(
            node_id="StyleKernelStylize",
            display_name="Stylize",
            category=CATEGORY,
            description="Stylizes pictures; each stays as large as it is.",
            inputs=[
                StyleKernel.Input("style_kernel"),
                io.Image.Input("images"),
                Style.Input("style"),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="0 leaves the pictures as they are, 1 is the full style.",
                ),
                io.Combo.Input(
                    "color",
                    options=["style", "luminance", "statistics"],
                    default="style",
                    tooltip="style: the painting's colours. luminance: the photo's colours, with "
                    "the luminance of the result. statistics: the result with the mean and "
                    "covariance of the photo's colours.",
                ),
                io.Float.Input(
                    "stroke_scale",
                    default=1.0,
                    min=0.5,
                    max=4.0,
                    step=0.1,
                    tooltip="How wide strokes are relative to the frame.",
                ),
                io.Float.Input(
                    "frame_rate",
                    default=0.0,
                    min=0.0,
                    max=240.0,
                    step=0.01,
                    tooltip="0 for separate pictures. For frames of a video, its frames per "
                    "second: what is measured in them is averaged over time, against flicker.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="The style goes where the mask is white. One mask for all pictures, "
                    "or one for each, of any size.",
                ),
            ],
            outputs=[io.Image.Output("stylized", display_name="images")],
        )

    @classmethod
    def execute(
        cls,
        style_kernel: StyleKernelPipeline,
        images: Tensor,
        style: Mixture,
        strength: float,
        color: str,
        stroke_scale: float,
        frame_rate: float,
        mask: Tensor | None = None,
    ) -> io.NodeOutput:
        """Stylize a batch, b x height x width x channels in [0, 1]."""
        controls = {"style_weights": style.shares, "color": color, "stroke_scale": stroke_scale}
        strengths = _strengths(strength, mask, len(images), frame_rate)
        if frame_rate > 0:
            stylize = _for_frames(style_kernel, style, images, strengths, frame_rate, controls)
        else:
            stylize = _for_pictures(style_kernel, style, strengths, controls)
        # One by one, so that a long batch takes little more memory than its result.
        stylized = images.to(torch.float32, copy=True)
        bar = ProgressBar(len(images))
        for index, image in enumerate(stylized):
            throw_exception_if_processing_interrupted()
            # Alpha stays. Upscalers leave values a little outside [0, 1].
            picture = image[..., :3].clamp(0, 1).permute(2, 0, 1)
            image[..., :3] = stylize(index, picture).permute(1, 2, 0)
            bar.update(1)
        return io.NodeOutput(stylized)


Stylize: TypeAlias = Callable[[int, Tensor], Tensor]
"""Takes a picture's place in the batch, and its pixels CxHxW in [0, 1]; gives the result's."""


def _for_pictures(
    style_kernel: StyleKernelPipeline,
    style: Mixture,
    strengths: Sequence[float | Tensor],
    controls: dict[str, Any],
) -> Stylize:
    def stylize(index: int, picture: Tensor) -> Tensor:
        return style_kernel(
            picture, style.paintings, strength=strengths[index], output_type="pt", **controls
        ).images[0]

    return stylize


def _for_frames(
    style_kernel: StyleKernelPipeline,
    style: Mixture,
    images: Tensor,
    strengths: Sequence[float | Tensor],
    frame_rate: float,
    controls: dict[str, Any],
) -> Stylize:
    options = FrameOptions(strength=strengths[0], **controls).checked(style_kernel.model)
    size, rate = (images.shape[1], images.shape[2]), Fraction(frame_rate)
    stylizer = FrameStylizer(style_kernel, style.paintings, size, options, SMOOTHING)

    def stylize(index: int, picture: Tensor) -> Tensor:
        return stylizer.stylize(picture[None], index / rate)[0] / 255

    return stylize


def _strengths(
    strength: float, mask: Tensor | None, images: int, frame_rate: float
) -> list[float | Tensor]:
    """Return each picture's strength: a number, or a map 1 x height x width of any size."""
    if mask is None:
        return [strength] * images
    maps = mask.float().clamp(0, 1).reshape(-1, 1, *mask.shape[-2:]) * strength
    allowed = (1,) if frame_rate > 0 else (1, images)
    if len(maps) not in allowed:
        wanted = (
            "one picture for the frames of a video"
            if frame_rate > 0
            else ("one picture, or one for each of the images")
        )
        raise ValueError(f"mask must be {wanted}, got {len(maps)} for {images}")
    return list(maps) if len(maps) == images else [maps[0]] * images
