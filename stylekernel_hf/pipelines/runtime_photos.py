"""The photos and paintings of a call in another runtime: read, checked and returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from PIL import Image

from stylekernel_hf.images.bounds import MAX_PIXELS, Bounds
from stylekernel_hf.images.metadata.reading import read_metadata
from stylekernel_hf.pipelines.call_checks import check_combination
from stylekernel_hf.runtime.engines import Floats
from stylekernel_hf.runtime.pictures import PictureInput, as_bytes, clipped, read_picture, resize
from stylekernel_hf.runtime.shares import Shares, plan_shares
from stylekernel_hf.runtime.style import as_runtime_style
from stylekernel_hf.styles.picture_size import (
    MIN_SIDE,
    is_style_file,
    scaled_size,
    style_bounds,
)

MAX_RUNTIME_PIXELS = 2**26
"""Largest content: it is held in memory several times, with 12 bytes a pixel."""


class RuntimeContent(NamedTuple):
    """A content as it was read, and the shares of the styles in it."""

    rgb: Floats
    alpha: Floats | None
    has_bytes: bool
    source: PictureInput
    shares: Shares


def style_items(style: Any) -> Mapping[str, Any]:
    """Return the styles by their names in error messages."""
    if isinstance(style, Mapping):
        style = list(cast("Mapping[str, Any]", style).values())
    several = isinstance(style, list | tuple)
    if several or (isinstance(style, np.ndarray) and style.ndim == 4):
        listed = cast("Sequence[Any]", style)
        return {f"style[{index}]": item for index, item in enumerate(listed)}
    return {"style": style}


def read_contents(
    content: Any, styles: int, style_weights: Any, masks: Any, strength: Any
) -> list[RuntimeContent]:
    """Read and check the contents of a call, with the shares of `styles` styles in each."""
    several = isinstance(content, list | tuple)
    several = several or (isinstance(content, np.ndarray) and content.ndim == 4)
    sources = cast("Sequence[Any]", content) if several else [content]
    if len(sources) == 0:
        raise ValueError("content must be at least one image, got none")
    weights = check_combination(styles, len(sources), style_weights, masks)
    bounds = Bounds(MAX_RUNTIME_PIXELS, MIN_SIDE)
    contents: list[RuntimeContent] = []
    for index, source in enumerate(sources):
        name = "content" if len(sources) == 1 else f"content[{index}]"
        rgb, alpha, has_bytes = read_picture(source, name, bounds)
        shares = plan_shares(
            (rgb.shape[0], rgb.shape[1]),
            strength=strength,
            weights=weights or [float(styles == 1 or each == index) for each in range(styles)],
            masks=masks,
        )
        contents.append(RuntimeContent(rgb, alpha, has_bytes, source, shares))
    return contents


def read_painting(style: Any, name: str, style_size: int | None, purpose: str) -> Floats:
    """Read a painting and scale it."""
    if as_runtime_style(style) is not None or is_style_file(style):
        raise TypeError(f"{name} must be an image for {purpose}, got an encoded style")
    bounds = style_bounds(style_size)
    if isinstance(style, np.ndarray):
        bounds = Bounds(MAX_PIXELS, MIN_SIDE)
    painting, _, _ = read_picture(style, name, bounds)
    size = scaled_size(painting.shape[0], painting.shape[1], style_size)
    return clipped(resize(painting, size, bicubic=True))


def make_images(
    results: Sequence[Floats], contents: Sequence[RuntimeContent], output_type: str
) -> list[Any]:
    """Return the results with the alpha and the metadata of their contents."""
    images: list[Any] = []
    for rgb, content in zip(results, contents, strict=True):
        parts = [rgb] if content.alpha is None else [rgb, content.alpha]
        values = np.concatenate(parts, axis=2)
        if output_type == "np":
            images.append(clipped(values))
            continue
        image = Image.fromarray(as_bytes(values))
        metadata = read_metadata(content.source)
        image.info.update(metadata.for_result(image.size).info())
        images.append(image)
    return images
