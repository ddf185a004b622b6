"""Pictures too large for memory: from file to file, strip by strip."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from stylekernel_hf.devices.processors import adaptive_threads
from stylekernel_hf.errors.given_values import plain_number
from stylekernel_hf.images.bounds import MAX_PIXELS
from stylekernel_hf.images.color_modes import ColorMode, recolor
from stylekernel_hf.images.loading import count_pixels
from stylekernel_hf.images.metadata.reading import read_metadata
from stylekernel_hf.images.source import is_regular_file
from stylekernel_hf.large.strip_files import StripFile, reads_in_strips
from stylekernel_hf.large.strip_writing import (
    check_room,
    check_strip_output,
    encode_raw,
    raw_file,
    writes_in_strips,
)
from stylekernel_hf.large.vips_library import has_vips
from stylekernel_hf.model.style_field import StyleField
from stylekernel_hf.pipelines.call_checks import (
    check_choice,
    check_combination,
    check_strength,
    check_style_size,
)
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.styles.embedding import StyleEmbedding
from stylekernel_hf.styles.mixing import combine, one_style, plan_shares
from stylekernel_hf.styles.style_input import MIN_SIDE, StyleInput, style_items
from stylekernel_hf.tiling.low_detail import (
    measure_detail_of_rows,
    model_for_detail,
)
from stylekernel_hf.tiling.out_of_memory import retry_in_smaller_tiles
from stylekernel_hf.tiling.strip_forward import StripForward
from stylekernel_hf.tiling.tile_size import check_tile_size

LARGE_PIXELS = 50_000_000
"""Files of more pixels than this are painted in strips where nothing stands against it."""

STRIP_COLORS: tuple[ColorMode, ...] = ("style", "luminance")


@torch.inference_mode()
def stylize_file(
    pipe: StyleKernelPipeline,
    content: str | os.PathLike[str],
    style: StyleInput | Sequence[StyleInput],
    output: str | os.PathLike[str],
    *,
    strength: float = 1.0,
    style_weights: Sequence[float] | None = None,
    color: ColorMode = "style",
    style_size: int | None = 512,
    tile_size: int | None = None,
    metadata: bool = True,
) -> None:
    """Repaint an image file into another, in memory that does not grow with the picture's height.

    The options are those of the pipeline's call, and so is the result; maps, masks and the colour
    modes that look at the whole result are not to be had. The file is read twice, one with
    transparency three times. `output` ends in .png, .jpg, .tif or .webp, and appears whole or not
    at all; until then 3 bytes a pixel lie in its folder, in a file without a name. Interlaced PNG,
    progressive JPEG and WebP files are decoded whole by their libraries, and pictures that are to
    be turned upright into a temporary file.

    With `metadata` the EXIF, XMP and IPTC data of the file are kept, put right for the result.

    Raises ImportError without libvips (the extra "large"), ValueError for more than
    `strip_files.MAX_STRIP_PIXELS` pixels, and what the pipeline's call raises.
    """
    if plain_number(strength) is None:
        raise TypeError(
            f"strength must be a number for a picture in strips, got {type(strength).__name__}"
        )
    strength = check_strength(strength)
    check_choice("color of a picture in strips", color, STRIP_COLORS)
    tile_size = check_tile_size(tile_size, pipe.model)
    style_size = check_style_size(style_size)
    target = Path(output)
    check_strip_output(target)
    file = StripFile(content, name="content")
    if min(file.width, file.height) < MIN_SIDE:
        raise ValueError(
            f"content must be at least {MIN_SIDE} px a side, got {file.width}x{file.height}"
        )
    check_room(target, file.width, file.height)
    named = style_items(style)
    weights = check_combination(len(named), 1, style_weights, None) or one_style(len(named), 0)
    shares = plan_shares((1, 1), strength=strength, weights=weights, masks=None)
    styles = [pipe.encode_style(item, style_size=style_size) for item in named.values()]
    mixed = combine(styles, shares.styles)
    model = model_for_detail(pipe.model, lambda: measure_detail_of_rows(file.rows(), file.height))
    forward = StripForward(model, file.rows, file.height, file.width, strength, tile_size)

    def finish(part: Tensor, original: Tensor) -> Tensor:
        return recolor(part, original, color)

    with (
        raw_file(target) as raw,
        pipe.progress_bar(total=forward.steps) as bar,
        adaptive_threads(bar.update) as step,
    ):
        retry_in_smaller_tiles(
            forward,
            lambda each: _write_strips(each, mixed, raw, finish, step),
            pipe.device,
            name="content",
            remedy="tile_size",
            on_retry=lambda smaller: bar.reset(total=smaller.steps),
        )
        encode_raw(raw, file, target, read_metadata(content) if metadata else None)


def calls_for_strips(
    content: str | os.PathLike[str],
    output: Path,
    *,
    strength: object,
    masks: Sequence[object] | None,
    color: ColorMode,
) -> bool:
    """Say whether a file is to be painted in strips: a large one, where libvips reads its kind.

    What cannot be done in strips is done in memory. Only a file that is too large for that is to
    be painted in strips in any case, for the error to say what stands against it.
    """
    if not is_regular_file(content):
        return False  # A pipe is read once, and as a whole.
    pixels = count_pixels(content, name="content")
    if pixels > MAX_PIXELS:
        if masks is not None:
            raise ValueError(
                f"masks must be left out for a picture of more than {MAX_PIXELS} pixels, got "
                f"{len(masks)} for '{content}'"
            )
        return True
    numeric = plain_number(strength) is not None and masks is None
    return (
        pixels > LARGE_PIXELS
        and numeric
        and color in STRIP_COLORS
        and writes_in_strips(output)
        and has_vips()
        and reads_in_strips(content)
    )


def _write_strips(
    forward: StripForward,
    style: StyleEmbedding | StyleField,
    raw: BinaryIO,
    finish: Callable[[Tensor, Tensor], Tensor],
    on_step: Callable[[], object],
) -> None:
    # What an attempt in larger tiles wrote is written over.
    raw.seek(0)
    for strip in forward.strips(style, finish=finish, on_step=on_step):
        raw.write(strip.numpy().data)
