"""Images too large for memory, stylized strip by strip from file to file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch

from stylekernel_hf.devices.processors import adaptive_threads
from stylekernel_hf.errors.given_values import plain_number
from stylekernel_hf.images.bounds import MAX_PIXELS
from stylekernel_hf.images.color_mode_names import ColorMode
from stylekernel_hf.images.loading import count_pixels
from stylekernel_hf.images.metadata.reading import read_metadata
from stylekernel_hf.images.source import is_regular_file
from stylekernel_hf.large.file_passes import FilePasses, StripWork
from stylekernel_hf.large.strip_files import StripFile, reads_in_strips
from stylekernel_hf.large.strip_writing import (
    check_room,
    check_strip_output,
    encode_raw,
    raw_file,
    writes_in_strips,
)
from stylekernel_hf.large.vips_library import has_vips
from stylekernel_hf.pipelines.call_checks import (
    check_choice,
    check_combination,
    check_strength,
    check_stroke_scale,
    check_style_size,
)
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.styles.mixing import combine, one_style, plan_shares
from stylekernel_hf.styles.picture_size import MIN_SIDE
from stylekernel_hf.styles.style_input import StyleInput, style_items
from stylekernel_hf.tiling.tile_side import check_tile_size
from stylekernel_hf.tiling.working_size import working_size

LARGE_PIXELS = 50_000_000
"""Files of more pixels than this are stylized in strips where the options allow it."""

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
    stroke_scale: float = 1.0,
    style_size: int | None = 512,
    tile_size: int | None = None,
    metadata: bool = True,
) -> None:
    """Stylize an image file into another, in memory that does not grow with the image's height.

    The result equals that of the pipeline's call. The file is read several times. While it works,
    3 bytes per pixel lie in the output's folder, in a file without a name. The libraries decode
    interlaced PNG, progressive JPEG and WebP files as a whole, and images that must be turned
    upright into a temporary file.

    Args:
        pipe: The pipeline to stylize with.
        content: Path of the photo: JPEG, PNG, TIFF or WebP, at least 16 px a side, at most 4
            gigapixels and 100,000 px wide.
        style: One style or a list, each a painting, a style file or a `StyleEmbedding`.
        output: Path that ends in .png, .jpg, .tif or .webp. The file appears whole or not at all.
        strength: From 0, the content, to 1; strength maps are refused.
        style_weights: Weight of each style; equal without.
        color: "style" or "luminance"; the other modes need the whole result.
        stroke_scale: Width of strokes relative to the frame, as in a call. It must be at least 1
            where a smaller one needs a working size above the image's.
        style_size: Shorter side in px to which paintings are scaled; None keeps their size.
        tile_size: Side of the tiles in px; chosen by free memory without.
        metadata: Keep the EXIF, XMP and IPTC data of the photo, corrected for the result.

    Raises:
        ImportError: libvips is missing (the extra "large").
        ValueError: The photo is damaged or outside the limits, or an option is invalid.
        TypeError: An option has another type.
        OSError: A file cannot be read or written, or the disk is full.

    Example:
        >>> from stylekernel_hf import load_image, pipeline, stylize_file
        >>> stylize_file(pipeline("style-kernel"), "photo.jpg", "painting.jpg", "out.png")
        >>> load_image("out.png").size == load_image("photo.jpg").size
        True
    """
    if plain_number(strength) is None:
        raise TypeError(
            f"strength must be a number for an image in strips, got {type(strength).__name__}"
        )
    strength = check_strength(strength)
    check_choice("color of an image in strips", color, STRIP_COLORS)
    tile_size = check_tile_size(tile_size, pipe.model.stride)
    stroke_scale = check_stroke_scale(stroke_scale)
    style_size = check_style_size(style_size)
    target = Path(output)
    check_strip_output(target)
    file = StripFile(content, name="content")
    if min(file.width, file.height) < MIN_SIDE:
        raise ValueError(
            f"content must be at least {MIN_SIDE} px a side, got {file.width}x{file.height}"
        )
    size = _working_size(file, stroke_scale)
    check_room(target, file.width, file.height)
    named = style_items(style)
    weights = check_combination(len(named), 1, style_weights, None) or one_style(len(named), 0)
    shares = plan_shares((1, 1), strength=strength, weights=weights, masks=None)
    styles = [pipe.encode_style(item, style_size=style_size) for item in named.values()]
    mixed = combine(styles, shares.styles)
    passes = FilePasses(pipe, file, strength, tile_size, size)
    with (
        raw_file(target) as raw,
        pipe.progress_bar(total=passes.steps) as bar,
        adaptive_threads(bar.update) as step,
    ):
        passes.run(StripWork(mixed, raw, color, bar, step))
        encode_raw(raw, file, target, read_metadata(content) if metadata else None)


def _working_size(file: StripFile, stroke_scale: float) -> tuple[int, int] | None:
    size = working_size(file.height, file.width, stroke_scale)
    if size is not None and size[0] > file.height:
        raise ValueError(
            f"stroke_scale must be at least 1 for a picture of {file.width}x{file.height} px in "
            f"strips, got {stroke_scale:g}"
        )
    return size


def calls_for_strips(
    content: str | os.PathLike[str],
    output: Path,
    *,
    strength: object,
    masks: Sequence[object] | None,
    color: ColorMode,
) -> bool:
    """Return whether to stylize a file in strips: a large one, of a kind that libvips reads.

    A file that fits into memory is stylized there if the options rule out strips. A larger one is
    always stylized in strips, so that the error names the option.
    """
    if not is_regular_file(content):
        return False  # A pipe can be read only once.
    pixels = count_pixels(content, name="content")
    if pixels > MAX_PIXELS:
        if masks is not None:
            raise ValueError(
                f"masks must be left out for an image of more than {MAX_PIXELS} pixels, got "
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
