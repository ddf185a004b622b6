"""Scores a stylizer on pairs of pictures: how much content it keeps, how much style it takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias

from PIL import Image
from torch import Tensor

from stylekernel_hf.image_io import load_image
from stylekernel_hf.image_processor import from_rgb_tensor
from stylekernel_hf.metrics.evaluation_result import Evaluation, KeptImages, PairScore
from stylekernel_hf.metrics.figures import Figures, ScoredPicture, compare, mean_figures
from stylekernel_hf.metrics.perceptual import PerceptualNetwork

ImagePath: TypeAlias = str | os.PathLike[str]

MIN_SIZE = 64
SIZE_STEP = 32


def evaluate(
    stylize: Callable[[Tensor, Any], Tensor],
    contents: Sequence[ImagePath],
    styles: Sequence[ImagePath],
    *,
    network: PerceptualNetwork,
    encode_style: Callable[[Tensor], Any] | None = None,
    size: int = 512,
    pairs: Sequence[tuple[int, int]] | None = None,
    keep_images: bool = False,
    on_pair: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Stylize and score `pairs` of places in `contents` and `styles`, all of them by default.

    Every picture is cut to its central square of `size` px. `stylize(content, style)` gets and
    returns 1x3x`size`x`size` RGB tensors in [0, 1], on the device of `network`; with
    `encode_style`, which is called once for each style, `style` is what that returned. The result
    is scored as a user gets it, clamped and rounded to 8 bits. `on_pair(done, total)` is called
    after each pair. The encoded styles are held in memory, and with VGG-19 at 512 px another
    14 MB for each style.

    Raises ValueError for a wrong `size`, for `pairs` that are none or out of range, and for a
    result of another shape or with values that are not finite; and what `load_image` raises.
    """
    _check_size(size)
    chosen = _checked_pairs(pairs, len(contents), len(styles))
    # All files are read first: a damaged one is no reason to lose an hour of work.
    content_images = {
        i: _square(contents[i], size, f"contents[{i}]") for i in sorted({i for i, _ in chosen})
    }
    style_images = {
        j: _square(styles[j], size, f"styles[{j}]") for j in sorted({j for _, j in chosen})
    }
    style_pictures = {j: ScoredPicture.read(image, network) for j, image in style_images.items()}
    encoded = {
        j: encode_style(picture.rgb) if encode_style else picture.rgb
        for j, picture in style_pictures.items()
    }
    stylized: dict[tuple[int, int], Image.Image] = {}
    scores: list[PairScore] = []
    trivial: list[tuple[Figures, Figures]] = []
    # Content by content, so that the features of only one are in memory.
    for i, group in groupby(chosen, key=lambda pair: pair[0]):
        content = ScoredPicture.read(content_images[i], network)
        for _, j in group:
            style = style_pictures[j]
            names = Path(contents[i]).name, Path(styles[j]).name
            image = _to_image(stylize(content.rgb, encoded[j]), size, names)
            figures = compare(ScoredPicture.read(image, network), content, style)
            scores.append(PairScore(*names, figures))
            trivial.append((compare(content, content, style), compare(style, content, style)))
            if keep_images:
                stylized[i, j] = image
            if on_pair:
                on_pair(len(scores), len(chosen))
    return Evaluation(
        size=size,
        pairs=tuple(scores),
        content_unchanged=mean_figures([unchanged for unchanged, _ in trivial]),
        style_pasted=mean_figures([pasted for _, pasted in trivial]),
        images=KeptImages(content_images, style_images, stylized) if keep_images else None,
    )


def select_pairs(contents: int, styles: int, *, every: int = 1) -> list[tuple[int, int]]:
    """Choose the pairs (i, j) with i + j divisible by `every`, counted from 0.

    Of lists sorted by name these are the same pairs every time, and all contents and all styles
    are among them about equally often.
    """
    if every < 1:
        raise ValueError(f"every must be at least 1, got {every}")
    return [(i, j) for i in range(contents) for j in range(styles) if (i + j) % every == 0]


def _check_size(size: int) -> None:
    if size < MIN_SIZE or size % SIZE_STEP:
        raise ValueError(
            f"size must be a multiple of {SIZE_STEP} px and at least {MIN_SIZE} px, got {size}"
        )


def _checked_pairs(
    pairs: Sequence[tuple[int, int]] | None, contents: int, styles: int
) -> list[tuple[int, int]]:
    """Every pair once, content by content."""
    for name, count in (("contents", contents), ("styles", styles)):
        if count == 0:
            raise ValueError(f"{name} must be at least one image, got none")
    if pairs is None:
        return select_pairs(contents, styles)
    if not pairs:
        raise ValueError("pairs must be at least one content and style, got none")
    for i, j in pairs:
        if not (0 <= i < contents and 0 <= j < styles):
            raise ValueError(
                f"pairs must be places among {contents} contents and {styles} styles, "
                f"got ({i}, {j})"
            )
    return sorted(set(pairs))


def _square(path: ImagePath, size: int, name: str) -> Image.Image:
    image = load_image(path, name=name).convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    return square.resize((size, size), Image.Resampling.BICUBIC)


def _to_image(stylized: Tensor, size: int, names: tuple[str, str]) -> Image.Image:
    pair = f"for content {names[0]!r} and style {names[1]!r}"
    if tuple(stylized.shape) != (1, 3, size, size):
        shape = "x".join(map(str, stylized.shape))
        raise ValueError(f"stylize must return 1x3x{size}x{size}, got {shape} {pair}")
    if not stylized.isfinite().all():
        raise ValueError(f"stylize must return finite values, got NaN or infinity {pair}")
    return from_rgb_tensor(stylized.float(), output_type="pil")
