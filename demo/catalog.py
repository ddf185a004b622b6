"""The pictures that come with the demo, with the words that describe them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

EXAMPLES = Path(__file__).parent / "examples"

PHOTOS = {
    "Astronaut": ("astronaut", "Portrait of a smiling astronaut in an orange suit"),
    "Cat": ("chelsea", "Close-up of a ginger cat looking into the camera"),
    "Coffee": ("coffee", "A cup of coffee on a saucer with a spoon, on a wooden table"),
    "Rocket": ("rocket", "A rocket lifting off at dusk, with a long trail of fire"),
}
PAINTINGS = {
    "Cubist": ("cubist", "a sitter in facets, dry brush on canvas"),
    "Drip": ("drip_painting", "poured and flung enamel"),
    "Engraving": ("engraving", "a still life in swelling, crossed lines"),
    "Pop dots": ("halftone_pop", "a portrait in screens of dots with a black key line"),
    "Ink wash": ("ink_wash", "bamboo in ink on rice paper"),
    "Mosaic": ("mosaic", "a town at dusk in small stones"),
    "Palette knife": ("palette_knife", "slabs of half-mixed paint"),
    "Paper cut": ("paper_cutout", "cut, painted paper"),
    "Pointillist": ("pointillism", "a town in dabs of pure colours"),
    "Stained glass": ("stained_glass", "a rose window in lead"),
    "Swirling oil": ("swirling_oil", "boats under a turning sky in thick paint"),
    "Watercolour": ("watercolour", "hills in washes with dark rims"),
    "Woodblock": ("woodblock", "waves and a mountain in flat inks"),
}

# `demo/examples/gallery.jpg` is drawn by `stylekernel stylize --sheet` of these, in cells of 200 px
# with gaps of 4 px: photos down, paintings across, each beside its own results.
GALLERY_PHOTOS = ("Astronaut", "Cat", "Coffee", "Rocket")
GALLERY_PAINTINGS = (
    "Palette knife",
    "Paper cut",
    "Pointillist",
    "Stained glass",
    "Swirling oil",
    "Watercolour",
    "Woodblock",
)
_CELL, _GAP = 200, 4


def photo_path(title: str) -> Path:
    """Return the file of an example photo; KeyError for another title."""
    return EXAMPLES / "photos" / f"{PHOTOS[title][0]}.jpg"


def painting_path(title: str) -> Path:
    """Return the file of an example painting; KeyError for another title."""
    return EXAMPLES / "styles" / f"{PAINTINGS[title][0]}.jpg"


def gallery_tiles() -> list[tuple[Image.Image, str, str]]:
    """Cut the gallery's results out of the sheet: (picture, photo's title, painting's title)."""
    tiles: list[tuple[Image.Image, str, str]] = []
    with Image.open(EXAMPLES / "gallery.jpg") as sheet:
        for row, photo in enumerate(GALLERY_PHOTOS, start=1):
            with Image.open(photo_path(photo)) as original:
                width, height = original.size
            scale = _CELL / max(width, height)
            width, height = int(width * scale), int(height * scale)
            for column, painting in enumerate(GALLERY_PAINTINGS, start=1):
                left = _GAP + column * (_CELL + _GAP) + (_CELL - width) // 2
                top = _GAP + row * (_CELL + _GAP) + (_CELL - height) // 2
                # Square, as the tiles are shown, so that none is stretched.
                side = min(width, height)
                left, top = left + (width - side) // 2, top + (height - side) // 2
                tile = sheet.crop((left, top, left + side, top + side))
                tiles.append((tile, photo, painting))
    return tiles
