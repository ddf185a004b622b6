"""Draw `controls.jpg`, the README's picture of what each control does.

python demo/examples/draw_controls.py
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from stylekernel_hf import StyleKernelPipeline, load_image, pipeline, save_image

HERE = Path(__file__).parent
WIDTH, GAP, CAPTION = 240, 8, 24

Picture = tuple[str, Image.Image]


def main() -> None:
    """Stylize one photo with every control, a row for each, and write the sheet."""
    pipe = pipeline("style-kernel")
    photo = load_image(HERE / "photos/rocket.jpg").convert("RGB")
    photo.thumbnail((640, 640))
    styles = [HERE / f"styles/{name}.jpg" for name in ("swirling_oil", "woodblock")]
    rows = [
        strengths(pipe, photo, styles[0]),
        mixtures(pipe, photo, styles),
        places(pipe, photo, styles),
        colors(pipe, photo, styles[1]),
        stroke_sizes(pipe, photo, styles[0]),
    ]
    save_image(sheet(rows), HERE / "controls.jpg", quality=88)


def strengths(pipe: StyleKernelPipeline, photo: Image.Image, style: Path) -> list[Picture]:
    """From the photo to the full style, and a map that fades from the one to the other."""
    fade = Image.linear_gradient("L").rotate(90)
    pictures = [
        (f"strength={value}", pipe(photo, style, strength=value).images[0])
        for value in (0, 0.4, 0.7, 1)
    ]
    return [*pictures, ("strength=a map", pipe(photo, style, strength=fade).images[0])]


def mixtures(
    pipe: StyleKernelPipeline, photo: Image.Image, styles: Sequence[Path]
) -> list[Picture]:
    """From the first style to the second."""
    return [
        (
            f"style_weights={list(weights)}",
            pipe(photo, styles, style_weights=weights).images[0],
        )
        for weights in ((1, 0), (3, 1), (1, 1), (1, 3), (0, 1))
    ]


def places(pipe: StyleKernelPipeline, photo: Image.Image, styles: Sequence[Path]) -> list[Picture]:
    """Each style where its mask is white, with soft and hard edges; the photo where none is."""
    right = Image.linear_gradient("L").rotate(90)
    left = right.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    circle = Image.new("L", photo.size)
    ImageDraw.Draw(circle).ellipse((120, 20, 520, 420), fill=255)
    around = circle.point(lambda value: 255 - value)
    return [
        ("a soft mask", right),
        ("masks=[it, the other half]", pipe(photo, styles, masks=[right, left]).images[0]),
        ("a circle", circle),
        ("masks=[it] for one style", pipe(photo, styles[:1], masks=[circle]).images[0]),
        ("masks=[it, around it]", pipe(photo, styles, masks=[circle, around]).images[0]),
    ]


def colors(pipe: StyleKernelPipeline, photo: Image.Image, style: Path) -> list[Picture]:
    """The photo, and the four ways of colour."""
    pictures = [
        (f'color="{mode}"', pipe(photo, style, color=mode).images[0])
        for mode in ("style", "luminance", "statistics", "transfer")
    ]
    return [("the photo", photo), *pictures]


def stroke_sizes(pipe: StyleKernelPipeline, photo: Image.Image, style: Path) -> list[Picture]:
    """Strokes from half as wide to four times as wide."""
    return [
        (f"stroke_scale={scale}", pipe(photo, style, stroke_scale=scale).images[0])
        for scale in (0.5, 1, 2, 3, 4)
    ]


def sheet(rows: Sequence[Sequence[Picture]]) -> Image.Image:
    """Lay out the rows, every picture with its caption above."""
    height = round(rows[0][0][1].height * WIDTH / rows[0][0][1].width)
    step = (WIDTH + GAP, height + CAPTION + GAP)
    page = Image.new("RGB", (step[0] * len(rows[0]) + GAP, step[1] * len(rows) + GAP), "white")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(size=14)
    for row, pictures in enumerate(rows):
        for column, (caption, picture) in enumerate(pictures):
            left, top = GAP + column * step[0], GAP + row * step[1]
            draw.text((left, top + 3), caption, fill="black", font=font)
            fitted = picture.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
            page.paste(fitted, (left, top + CAPTION))
    return page


if __name__ == "__main__":
    main()
