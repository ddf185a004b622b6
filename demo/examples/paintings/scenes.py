"""A composition turned into pixels: what a painter looks at before the style begins."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .arrays import Labels, Picture, Plane
from .interiors import bouquet, sitter, still_life
from .landscapes import hills, sea, town
from .palette import Palette, mix
from .shapes import Shape, stencil

OUTDOORS = (hills, sea, town)
ANYWHERE = (hills, sea, town, still_life, bouquet, sitter)


@dataclass(frozen=True)
class Scene:
    """`height` is the roundness of bodies, 0 to 1; `labels` numbers the visible shapes."""

    color: Picture
    labels: Labels
    height: Plane


def compose(rng: np.random.Generator, palette: Palette, kinds: tuple = ANYWHERE) -> list[Shape]:
    """The shapes of one composition, of a kind drawn by chance, sometimes mirrored."""
    shapes = kinds[rng.integers(len(kinds))](rng, palette)
    if rng.random() < 0.5:
        return shapes
    flip = np.array([-1.0, 1.0])
    return [Shape(s.outline * flip + [1, 0], s.color, s.low_color, s.relief) for s in shapes]


def render(shapes: list[Shape], size: int) -> Scene:
    """Paints the shapes over each other, bodies shaded by light from the upper left."""
    color = np.zeros((size, size, 3), np.float32)
    labels = np.zeros((size, size), np.int32)
    height = np.zeros((size, size), np.float32)
    for number, item in enumerate(shapes):
        place, mask = stencil(item.outline, size)
        if min(mask.shape) < 2:
            continue
        fade = np.linspace(0, 1, mask.shape[0], dtype=np.float32)[:, None]
        fill = mix(item.color, item.low_color, np.broadcast_to(fade, mask.shape))
        body = _roundness(mask) if item.relief else np.zeros_like(mask)
        if item.relief:
            down, across = np.gradient(body)
            slope = np.clip((across + down) * min(mask.shape) * 0.22, -1, 1) * item.relief
            fill = fill * (1 + 0.45 * slope[..., None])
        alpha = mask[..., None]
        color[place] = color[place] * (1 - alpha) + np.clip(fill, 0, 1) * alpha
        labels[place] = np.where(mask > 0.5, number, labels[place])
        height[place] = np.where(mask > 0.5, body, height[place])
    return Scene(color, labels, height)


def _roundness(mask: Plane) -> Plane:
    """0 at the rim to 1 in the middle, like the top of a ball."""
    depth = ndimage.distance_transform_edt(mask > 0.5)
    depth = ndimage.gaussian_filter(depth, 0.03 * min(mask.shape))
    reach = max(float(depth.max()), 1e-6)
    return np.sqrt(1 - (1 - np.clip(depth / reach, 0, 1)) ** 2).astype(np.float32)


def edges(labels: Labels) -> np.ndarray:
    """True on pixels whose right or lower neighbour is of another shape."""
    found = np.zeros(labels.shape, bool)
    found[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    found[:-1] |= labels[:-1] != labels[1:]
    return found
