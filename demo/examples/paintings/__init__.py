"""Procedural paintings: one function per style, drawn from nothing but a random generator.

Every style is called as `style(rng, size)` and returns a square RGB picture in [0, 1]. The same
generator state and size give the same picture; the seed decides on palette, motif and scale.
"""

import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from .arrays import Picture
from .cubist import cubist
from .drip_painting import drip_painting
from .engraving import engraving
from .halftone_pop import halftone_pop
from .ink_wash import ink_wash
from .mosaic import mosaic
from .palette_knife import palette_knife
from .paper_cutout import paper_cutout
from .pointillism import pointillism
from .stained_glass import stained_glass
from .swirling_oil import swirling_oil
from .watercolour import watercolour
from .woodblock import woodblock

Style = Callable[[np.random.Generator, int], Picture]

STYLES: tuple[Style, ...] = (
    cubist,
    drip_painting,
    engraving,
    halftone_pop,
    ink_wash,
    mosaic,
    palette_knife,
    paper_cutout,
    pointillism,
    stained_glass,
    swirling_oil,
    watercolour,
    woodblock,
)

MINIMUM_SIZE = 64


def paint(style: Style, *, size: int, seed: int) -> Image.Image:
    """One picture in a style, `size` pixels a side.

    Raises ValueError when `size` is below 64, where strokes would be thinner than a pixel.
    """
    if size < MINIMUM_SIZE:
        raise ValueError(f"size must be at least {MINIMUM_SIZE} px, got {size}")
    # Mixed with the name, or all styles would paint the same motif from the same seed.
    rng = np.random.default_rng([seed, zlib.crc32(style.__name__.encode())])
    picture = style(rng, size)
    return Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))
