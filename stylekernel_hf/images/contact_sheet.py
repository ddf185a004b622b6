"""Contact sheets: every content (rows) in every style (columns)."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

GAP = 4


class ContactSheet:
    """A grid of white square cells of `cell` px, into which images are placed one at a time.

    An image is scaled when it is placed, so that large ones need not be in memory together.
    """

    def __init__(self, *, rows: int, columns: int, cell: int) -> None:
        self.cell = cell
        size = sheet_size(rows=rows, columns=columns, cell=cell)
        self.picture = Image.new("RGB", size, "white")

    def place(self, image: Image.Image, *, row: int, column: int) -> None:
        """Centre an image in a cell, scaled down to fit and composited over white."""
        cell, step = self.cell, self.cell + GAP
        fitted = image
        if image.width > cell or image.height > cell:
            fitted = image.copy()
            fitted.thumbnail((cell, cell), Image.Resampling.LANCZOS)
        left = GAP + column * step + (cell - fitted.width) // 2
        top = GAP + row * step + (cell - fitted.height) // 2
        mask = fitted.getchannel("A") if fitted.mode == "RGBA" else None
        self.picture.paste(fitted.convert("RGB"), (left, top), mask)


def sheet_size(*, rows: int, columns: int, cell: int) -> tuple[int, int]:
    """Return the width and height in px of a sheet."""
    return columns * (cell + GAP) + GAP, rows * (cell + GAP) + GAP


def contact_sheet(
    contents: Sequence[Image.Image],
    styles: Sequence[Image.Image],
    stylized: Sequence[Sequence[Image.Image | None]],
    *,
    cell: int,
) -> Image.Image:
    """Arrange `stylized[row][column]` below its style and beside its content.

    Every image is scaled into a square cell of `cell` px; cells of None stay white.
    """
    sheet = ContactSheet(rows=len(contents) + 1, columns=len(styles) + 1, cell=cell)
    for column, style in enumerate(styles, start=1):
        sheet.place(style, row=0, column=column)
    for row, (content, line) in enumerate(zip(contents, stylized, strict=True), start=1):
        sheet.place(content, row=row, column=0)
        for column, image in enumerate(line, start=1):
            if image is not None:
                sheet.place(image, row=row, column=column)
    return sheet.picture
