"""One picture of many: every content (rows) in every style (columns)."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

GAP = 4


def contact_sheet(
    contents: Sequence[Image.Image],
    styles: Sequence[Image.Image],
    stylized: Sequence[Sequence[Image.Image | None]],
    *,
    cell: int,
) -> Image.Image:
    """Arrange `stylized[row][column]` under its style and beside its content.

    Every picture is scaled into a square cell of `cell` px; cells of None stay white.
    """
    step = cell + GAP
    size = (step * (len(styles) + 1) + GAP, step * (len(contents) + 1) + GAP)
    sheet = Image.new("RGB", size, "white")

    def place(image: Image.Image | None, column: int, row: int) -> None:
        if image is None:
            return
        fitted = image.convert("RGB")
        if fitted.size != (cell, cell):
            fitted.thumbnail((cell, cell), Image.Resampling.LANCZOS)
        sheet.paste(
            fitted,
            (
                GAP + column * step + (cell - fitted.width) // 2,
                GAP + row * step + (cell - fitted.height) // 2,
            ),
        )

    for column, style in enumerate(styles, start=1):
        place(style, column, 0)
    for row, (content, line) in enumerate(zip(contents, stylized, strict=True), start=1):
        place(content, 0, row)
        for column, image in enumerate(line, start=1):
            place(image, column, row)
    return sheet
