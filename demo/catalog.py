"""The pictures that come with the demo, with the words that describe them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

EXAMPLES = Path(__file__).parent / "examples"
SHOWN = tuple(EXAMPLES / name for name in ("artworks", "photos", "styles"))
"""Folders whose pictures visitors may see and name."""

PHOTOS = {
    "Astronaut": ("astronaut", "Portrait of a smiling astronaut in an orange suit"),
    "Cat": ("chelsea", "Close-up of a ginger cat looking into the camera"),
    "Coffee": ("coffee", "A cup of coffee on a saucer with a spoon, on a wooden table"),
    "Rocket": ("rocket", "A rocket lifting off at dusk, with a long trail of fire"),
}


@dataclass(frozen=True)
class Artwork:
    """A real work of art; `examples/SOURCES.md` tells more of each.

    - file: name of its file, without the ending.
    - artist, year: as its museum states them.
    - marks: what it is made of, in a few words.
    """

    file: str
    artist: str
    year: str
    marks: str


ARTWORKS = {
    "Window": Artwork(
        "window_overlooking_the_woods", "Édouard Vuillard", "1899", "dabs of oil like a tapestry"
    ),
    "Chrysanthemums": Artwork(
        "chrysanthemums", "Pierre-Auguste Renoir", "1881-82", "feathery strokes of oil"
    ),
    "Arlésiennes": Artwork("arlesiennes", "Paul Gauguin", "1888", "flat shapes of oil on jute"),
    "Bordighera": Artwork("bordighera", "Claude Monet", "1884", "short, turning strokes of oil"),
    "Madonna": Artwork(
        "madonna_of_humility", "unknown, Bologna", "1375-1400", "tempera and gold on a panel"
    ),
    "Apples": Artwork("apples_and_grapes", "Claude Monet", "1880", "hatched strokes of oil"),
    "Grands Sables": Artwork(
        "grands_sables", "Paul Sérusier", "1890", "broad areas of one oil colour each"
    ),
    "Near the lake": Artwork(
        "near_the_lake", "Pierre-Auguste Renoir", "1879-80", "loose strokes of oil"
    ),
    "Grande Jatte": Artwork(
        "grande_jatte", "Georges Seurat", "1884", "an oil sketch in crossing dabs"
    ),
    "Élysée Montmartre": Artwork(
        "elysee_montmartre", "Louis Anquetin", "1888", "outlined shapes of oil, like a poster"
    ),
    "Saint George": Artwork(
        "saint_george", "Bernat Martorell", "1434-35", "tempera and raised gold on a panel"
    ),
    "Petite Creuse": Artwork(
        "petite_creuse", "Claude Monet", "1889", "comma strokes of violet and green oil"
    ),
    "Heraclius": Artwork(
        "emperor_heraclius", "unknown, Netherlands", "c. 1470", "tempera and oil on a panel"
    ),
    "Saint-Lazare": Artwork(
        "gare_saint_lazare", "Claude Monet", "1877", "steam in thin, grey-blue oil"
    ),
    "Sewing": Artwork(
        "young_woman_sewing", "Pierre-Auguste Renoir", "1879", "soft strokes of blue and red oil"
    ),
    "Seascape": Artwork("seascape", "Pierre-Auguste Renoir", "1879", "wisps of oil"),
    "Costume ball": Artwork(
        "costume_ball", "Edgar Degas", "1879", "distemper, metallic paint and pastel"
    ),
    "Rocks": Artwork("port_goulphar", "Claude Monet", "1886", "dabs of oil side by side"),
    "Icon": Artwork("tuscan_virgin", "unknown, Tuscany", "c. 1270", "tempera on a panel"),
    "Alps": Artwork("alpine_scene", "Gustave Courbet", "1874", "dark oil, laid with a knife"),
    "Lion hunt": Artwork("lion_hunt", "Eugène Delacroix", "1860-61", "dark, flowing oil"),
    "Ballet": Artwork(
        "ballet_dancers", "Henri de Toulouse-Lautrec", "1885-86", "thin oil on plaster"
    ),
}
_DRAWN = {
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
PAINTINGS = {
    title: (work.file, f"{work.artist}, {work.year}: {work.marks}")
    for title, work in ARTWORKS.items()
} | _DRAWN

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
    if title in ARTWORKS:
        return EXAMPLES / "artworks" / f"{ARTWORKS[title].file}.webp"
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
