"""What the network uses of the painting at one point of the photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from stylekernel_hf.errors.given_values import as_list, plain_number, shown
from stylekernel_hf.images.geometry import pad_to_multiple
from stylekernel_hf.images.tensors import from_rgb_tensor
from stylekernel_hf.model.kernel_generator import KernelGenerator
from stylekernel_hf.model.statistics import channel_statistics, normalise
from stylekernel_hf.model.style_kernel import BORDER_MARGIN, StyleKernelNetwork
from stylekernel_hf.model.token_grid import token_grid
from stylekernel_hf.pipelines.explanation_pictures import draw_kernels, highlight, mark
from stylekernel_hf.tiling.style_encoding import encode_style_image

Array = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, eq=False)
class Explanation:
    """What the network uses at one point of a photo; `StyleKernelPipeline.explain` makes it.

    Attributes:
        content: The photo.
        style: The painting at the size at which it was encoded.
        point: (x, y) in px of the photo.
        attention: (rows, columns) over the painting: the weights of its tokens for the point,
            after gating. They are non-negative and sum to 1.
        gate: (ceil(h / stride), ceil(w / stride)) over the photo: the share of the tokens, in
            [0, 1], that pass the gate at each place. Where it is 0, no token passes, and plain
            softmax is used.
        kernels: The taps of every dynamic convolution at the point, (groups, k, k) each, the finest
            level first. An identity kernel is 1 in the middle and 0 elsewhere.
        kernel_strides: The distance in px of the photo between neighbouring taps, one for each of
            `kernels`.

    Example:
        >>> from stylekernel_hf import pipeline
        >>> pipe = pipeline("style-kernel")
        >>> explanation = pipe.explain("photo.jpg", "painting.jpg", point=(30, 20))
        >>> print(f"{explanation.attention.sum():.2f}")
        1.00
    """

    content: Image.Image
    style: Image.Image
    point: tuple[int, int]
    attention: Array
    gate: Array
    kernels: tuple[Array, ...]
    kernel_strides: tuple[int, ...]

    def attention_image(self) -> Image.Image:
        """Draw the painting, bright and in colour where the attention is high."""
        return highlight(self.style, self.attention / self.attention.max())

    def gate_image(self) -> Image.Image:
        """Draw the photo, in colour where many tokens pass the gate, with a ring at the point.

        The brightness is scaled from the lowest to the highest share in the photo.
        """
        low, high = float(self.gate.min()), float(self.gate.max())
        shown = (self.gate - low) / max(high - low, 1e-6)
        return mark(highlight(self.content, shown), self.point)

    def kernels_image(self) -> Image.Image:
        """Draw the kernels: one row for each dynamic convolution, one square for each group.

        White is 0, orange is positive and blue is negative; each row is scaled to its largest tap.

        Raises:
            ValueError: The network has no dynamic convolutions.
        """
        if not self.kernels:
            raise ValueError("kernels_image needs a network with dynamic_convolutions above 0")
        return draw_kernels(self.kernels)


def check_point(point: object, width: int, height: int) -> tuple[int, int]:
    """Return (x, y) as integers; TypeError or ValueError unless it is a point of the picture."""
    try:
        given = as_list(point, "point", "numbers")
    except TypeError:
        given = []
    if len(given) != 2:
        raise TypeError(f"point must be (x, y) in px, got {shown(point)}")
    x, y = (plain_number(value) for value in given)
    if x is None or y is None:
        raise TypeError(f"point must be two numbers, got {shown(point)}")
    if not (0 <= x < width and 0 <= y < height):
        raise ValueError(
            f"point must lie in the content of {width}x{height} px, got {shown((x, y))}"
        )
    return int(x), int(y)


def explain(
    model: StyleKernelNetwork,
    content: Float[Tensor, "1 3 h w"],
    style: Float[Tensor, "1 3 i j"],
    point: tuple[int, int],
) -> Explanation:
    """Explain one point (x, y) of the content; the style has the size at which it is encoded."""
    # 1. Encode both, the content with the margin that it has when it is stylized.
    stride = model.stride
    padded, padding = pad_to_multiple(content, stride, BORDER_MARGIN)
    embedding = encode_style_image(model, style)
    features = model.encode_content(_to_model(padded, model))
    statistics = channel_statistics(features[-1])
    # 2. Attention and gate, from the normalised content feature and the style's keys.
    alignment = model.style_alignment
    coarsest = normalise(features[-1], statistics)
    left, top = point[0] + padding.left, point[1] + padding.top
    weights = alignment.attention_weights(coarsest, embedding.key, top // stride, left // stride)
    cell = model.style_stride
    rows, columns = (-(-side // cell) * cell // stride for side in style.shape[2:])
    grid = token_grid(rows, columns, alignment.max_tokens)
    gate = alignment.share_let_through(coarsest, embedding.key)[
        0,
        padding.top // stride : (padding.top + content.shape[2] - 1) // stride + 1,
        padding.left // stride : (padding.left + content.shape[3] - 1) // stride + 1,
    ]
    # 3. The kernels at the point, level by level.
    aligned = model.align(features[-1], statistics, embedding)
    kernels, strides = _kernels_at(model, features, aligned, left, top)
    return Explanation(
        content=from_rgb_tensor(content, output_type="pil"),
        style=from_rgb_tensor(style, output_type="pil"),
        point=point,
        attention=_array(weights[0].view(grid)),
        gate=_array(gate),
        kernels=tuple(kernels),
        kernel_strides=tuple(strides),
    )


def _kernels_at(
    model: StyleKernelNetwork, features: list[Tensor], aligned: Tensor, left: int, top: int
) -> tuple[list[Array], list[int]]:
    """Return the taps at a point of the padded content, and their distances in px."""
    kernels: list[Array] = []
    strides: list[int] = []
    for level, part in zip(features, model.kernel_generators, strict=True):
        generator = cast(KernelGenerator, part)
        if not generator.convolutions:
            continue
        step = model.stride * features[-1].shape[2] // level.shape[2]
        taps = generator(aligned, tuple(level.shape[2:])).taps[0, :, top // step, left // step]
        side = round((taps.numel() // generator.convolutions // generator.groups) ** 0.5)
        kernels += map(_array, taps.view(generator.convolutions, generator.groups, side, side))
        strides += [step] * generator.convolutions
    return kernels, strides


def _to_model(rgb: Float[Tensor, "1 3 h w"], model: StyleKernelNetwork) -> Tensor:
    return rgb.to(model.device, model.dtype, memory_format=torch.channels_last)


def _array(values: Tensor) -> Array:
    return values.float().cpu().numpy()
