"""The sheet of `stylekernel stylize`: all results on one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from stylekernel_hf.bulk import Job
from stylekernel_hf.image_io import load_image, save_image
from stylekernel_hf.metrics.contact_sheet import contact_sheet
from stylekernel_hf.pipeline_style_kernel import is_style_file
from stylekernel_hf.style_sources import NamedStyle, StyleSource, short_name

CELL = 200
_FONT_SIZE = 22
_MARGIN = 10


def draw_sheet(
    jobs: Sequence[Job], contents: Sequence[Path], styles: Sequence[StyleSource], sheet: Path
) -> None:
    """Write a picture of all results that were made, styles across and contents down.

    An encoded style, of which there is no picture, is shown by its name.
    """
    made = {(job.content, job.styles[0]): job.output for job in jobs if job.output.exists()}
    contents = [path for path in contents if any(path == content for content, _ in made)]
    styles = [style for style in styles if any(style == taken for _, taken in made)]
    picture = contact_sheet(
        [load_image(path, name="content") for path in contents],
        [_header(style) for style in styles],
        [
            [
                load_image(made[content, style]) if (content, style) in made else None
                for style in styles
            ]
            for content in contents
        ],
        cell=CELL,
    )
    save_image(picture, sheet, quality=85)


def _header(style: StyleSource) -> Image.Image:
    name = short_name(style)
    if isinstance(style, NamedStyle) or is_style_file(style):
        return name_card(name, CELL)
    return load_image(style, name="style")


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
