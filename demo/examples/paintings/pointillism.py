"""Divisionist dabs: pure hues side by side that the eye mixes."""

import numpy as np
from PIL import Image, ImageDraw

from . import scenes
from .arrays import Colors, Picture, Points
from .brush import contour_angle, sample, scatter
from .palette import mix, pick, turn, vary
from .texture import averaged, blur, canvas_weave, light, shaded


def pointillism(rng: np.random.Generator, size: int) -> Picture:
    palette = pick(rng, night=0.25)
    scene = scenes.render(scenes.compose(rng, palette), size)
    reference = turn(scene.color, hue=0.0, chroma=rng.uniform(1.3, 1.8)) * 0.94
    angle, _ = contour_angle(scene.color, 0.02 * size)
    ground = vary(rng, mix(palette.haze, palette.accent, 0.3)[None])[0]
    base = np.broadcast_to(np.append(ground, 0.2), (size, size, 4))
    image = Image.fromarray((base * 255).astype(np.uint8)).resize((size * 3, size * 3), 0)
    radius = size * rng.uniform(0.0048, 0.0085)
    for layer, spacing in enumerate((2.0, 1.7, 1.9)):
        spots = scatter(rng, size, spacing * radius)
        turned = sample(angle, spots) + rng.normal(0, 0.3, len(spots))
        dabs = _dabs(spots, radius * rng.uniform(0.75, 1.25, len(spots)), turned)
        colors = _divided(rng, sample(reference, spots), layer)
        _stamp(rng, image, dabs, colors)
    small = averaged(image, 3)
    relief = 5 * blur(small[..., 3], 0.5) + 0.3 * canvas_weave(rng, size)
    return np.clip(shaded(small[..., :3], light(relief, 0.45)), 0, 1)


def _dabs(spots: Points, radii: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Rounded dabs, a little longer along the form: "n 10 2" in pixels."""
    turns = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    long, short = 1.25 * np.cos(turns) * radii[:, None], 0.85 * np.sin(turns) * radii[:, None]
    c, s = np.cos(angles)[:, None], np.sin(angles)[:, None]
    x = spots[:, :1] + c * long - s * short
    y = spots[:, 1:] + s * long + c * short
    return np.stack([x, y], axis=-1)


def _divided(rng: np.random.Generator, colors: Colors, layer: int) -> Colors:
    """Neighbouring hues for the most part, some complements, some light, the later the purer."""
    count = len(colors)
    dabs = vary(rng, colors, hue=0.38, chroma=0.35, value=0.09)
    kind = rng.random(count)[:, None]
    complement = turn(colors, hue=np.full(count, np.pi), chroma=0.9)
    dabs = np.where(kind < (0.12, 0.1, 0.05)[layer], mix(complement, colors, 0.15), dabs)
    bright = turn(mix(dabs, np.ones(3), 0.22), hue=0.0, chroma=1.5)
    return np.where(kind > (1, 0.8, 0.62)[layer], bright, dabs)


def _stamp(rng: np.random.Generator, image: Image.Image, dabs: np.ndarray, colors: Colors) -> None:
    draw = ImageDraw.Draw(image)
    inks = (np.clip(colors, 0, 1) * 255).astype(int).tolist()
    heights = rng.integers(110, 255, len(dabs)).tolist()
    outlines = (dabs * 3).reshape(len(dabs), -1).tolist()
    for outline, ink, height in zip(outlines, inks, heights, strict=True):
        draw.polygon(outline, fill=(*ink, height))
