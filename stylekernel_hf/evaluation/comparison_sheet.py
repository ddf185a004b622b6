"""A sheet that compares candidates: pairs as rows, each candidate's results in a column."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from stylekernel_hf.evaluation.evaluation_result import Evaluation, names_of
from stylekernel_hf.images.contact_sheet import GAP, contact_sheet

_CAPTION = 24


def comparison_sheet(
    evaluations: Sequence[Evaluation], *, rows: int, cell: int = 256
) -> Image.Image:
    """Draw up to `rows` pairs, evenly spread: content, style, and the result of each candidate.

    Raises ValueError for evaluations without images, and for `rows` or `cell` below 1.
    """
    for name, value in (("rows", rows), ("cell", cell)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    kept = [each.images for each in evaluations if each.images is not None]
    if len(kept) != len(evaluations):
        raise ValueError("keep_images must be true in evaluate() for a comparison sheet")
    pairs = sorted(kept[0].stylized)
    step = max(1, len(pairs) // rows)
    chosen = pairs[::step][:rows]
    columns = ["content", "style", *names_of(evaluations)]
    grid = contact_sheet(
        [kept[0].contents[i] for i, _ in chosen],
        [Image.new("RGB", (cell, cell), "white")] * (len(columns) - 1),
        [[kept[0].styles[j], *(each.stylized[i, j] for each in kept)] for i, j in chosen],
        cell=cell,
    )
    # The styles are in a column here, so captions replace the sheet's first row of styles.
    sheet = Image.new("RGB", (grid.width, grid.height - cell - GAP + _CAPTION), "white")
    sheet.paste(grid.crop((0, cell + GAP, grid.width, grid.height)), (0, _CAPTION))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(14)
    for column, text in enumerate(columns):
        draw.text((GAP + column * (cell + GAP), GAP), _fitted(text, cell, font), "black", font)
    return sheet


def _fitted(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """Cut off the beginning of a long name, because the end of a path says more."""
    fitted = text
    while font.getlength(fitted) > width and len(fitted) > 2:
        fitted = "\u2026" + fitted[2:]
    return fitted
