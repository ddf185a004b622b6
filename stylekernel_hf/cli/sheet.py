"""The sheet of `stylekernel stylize`: all results on one picture."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import typer
from PIL import Image, ImageDraw, ImageFont

from stylekernel_hf.cli.jobs import Job
from stylekernel_hf.cli.output_names import file_system_key
from stylekernel_hf.cli.style_sources import NamedStyle, StyleSource, path_of, short_name
from stylekernel_hf.cli.thumbnail import load_thumbnail
from stylekernel_hf.files.output_paths import check_not_read, check_output_file
from stylekernel_hf.images.contact_sheet import GAP, ContactSheet, sheet_size
from stylekernel_hf.images.formats import check_image_size, format_to_write
from stylekernel_hf.images.writing import save_image
from stylekernel_hf.styles.picture_size import is_style_file

CELL = 200
"""The side of a picture on the sheet in px; it is less if the sheet would exceed MAX_PIXELS."""
MAX_PIXELS = 50_000_000
MIN_CELL = 32
_FONT_SIZE = 22
_MARGIN = 10


def check_sheet(sheet: Path, jobs: Sequence[Job], others: Iterable[Path]) -> None:
    """Raise OSError or ValueError, before the work, for a sheet that cannot be written.

    It must not replace a result or a file that is read: the pictures of the jobs, and the `others`.
    """
    made_by_jobs = any(sheet.parent == job.output.parent for job in jobs)
    check_output_file(sheet, name="sheet", makes_folder=made_by_jobs)
    rows, columns = _headings(jobs)
    cell = _cell(len(rows) + 1, len(columns) + 1)
    size = sheet_size(rows=len(rows) + 1, columns=len(columns) + 1, cell=cell)
    format_to_write(sheet, name="sheet")
    check_image_size(sheet, size, name="sheet")
    made = {_key(job.output): "one of the results" for job in jobs}
    made |= {_key(job.output.parent): "the folder of the results" for job in jobs}
    if _key(sheet) in made:
        raise ValueError(f"sheet must be a file of its own, but '{sheet}' is {made[_key(sheet)]}")
    pictures = [(job.content, job.output, *map(path_of, job.styles)) for job in jobs]
    check_not_read([sheet], {*others, *chain(*pictures)}, name="sheet")


def draw_sheet(jobs: Sequence[Job], sheet: Path) -> bool:
    """Draw all results that were made, styles across and contents down.

    An encoded style is shown by its name. Reports which pictures cannot be shown, and returns
    whether all can.
    """
    made = [job for job in jobs if job.output.is_file()]
    if not made:
        typer.echo("stylekernel: sheet: there are no pictures to show", err=True)
        return False
    rows, columns = _headings(made)
    faults: list[str] = []
    drawn = ContactSheet(
        rows=len(rows) + 1, columns=len(columns) + 1, cell=_cell(len(rows) + 1, len(columns) + 1)
    )

    def place(read: Callable[[], Image.Image], row: int, column: int) -> None:
        try:
            drawn.place(read(), row=row, column=column)
        except (OSError, ValueError, MemoryError) as error:
            faults.append(str(error))

    for style, column in columns.items():
        place(partial(_header, style), 0, column)
    for content, row in rows.items():
        place(partial(_picture, content, "content"), row, 0)
    for job in made:
        read = partial(_picture, job.output, "result")
        place(read, rows[job.content], columns[job.styles[0]])
    save_image(drawn.picture, sheet, quality=85)
    typer.echo(f"drew {sheet}")
    for fault in faults:
        typer.echo(f"stylekernel: sheet: a cell is left white: {fault}", err=True)
    return not faults


def _key(path: Path) -> str:
    return file_system_key(os.path.abspath(path))


def _headings(jobs: Sequence[Job]) -> tuple[dict[Path, int], dict[StyleSource, int]]:
    """Return the row of every content and the column of every style, from 1 on."""
    contents = dict.fromkeys(job.content for job in jobs)
    styles = dict.fromkeys(job.styles[0] for job in jobs)
    return (
        {content: row for row, content in enumerate(contents, start=1)},
        {style: column for column, style in enumerate(styles, start=1)},
    )


def _cell(rows: int, columns: int) -> int:
    fitting = math.isqrt(MAX_PIXELS // (rows * columns)) - GAP
    if fitting < MIN_CELL:
        most = MAX_PIXELS // (MIN_CELL + GAP) ** 2
        raise ValueError(f"sheet can show at most {most} pictures, got {rows * columns}")
    return min(CELL, fitting)


def _header(style: StyleSource) -> Image.Image:
    name = short_name(style)
    if isinstance(style, NamedStyle) or is_style_file(style):
        return name_card(name, CELL)
    return _picture(style, "style")


def _picture(path: Path, name: str) -> Image.Image:
    # A pipe can be read only once.
    return load_thumbnail(path, CELL, name=name) if path.is_file() else name_card(path.name, CELL)


def name_card(name: str, side: int) -> Image.Image:
    """Draw a name on a grey square of `side` px, broken into lines where it is too long."""
    card = Image.new("RGB", (side, side), (225, 225, 225))
    draw = ImageDraw.Draw(card)
    font = ImageFont.load_default(_FONT_SIZE)
    lines = [""]
    for letter in name:
        if draw.textlength(lines[-1] + letter, font=font) > side - 2 * _MARGIN:
            # At the last space, if there is one in the line.
            head, space, tail = lines[-1].rpartition(" ")
            lines[-1:] = [head, tail] if space else [lines[-1], ""]
        lines[-1] += letter
    text = "\n".join(line.strip() for line in lines)
    place = (side / 2, side / 2)
    draw.multiline_text(place, text, fill=(40, 40, 40), font=font, anchor="mm", align="center")
    return card
