"""Poured and flung enamel: skeins, puddles and splatter on raw canvas."""

import numpy as np
from PIL import Image, ImageDraw

from .arrays import Color, Picture, Points
from .palette import from_hex, turn, vary
from .texture import averaged, blur, canvas_weave, fractal_noise, light, shaded

_ENAMELS = (
    "cdbb97 17150f f3efe2 7d8a86 b5652f d9b24a",
    "e6dcc3 101418 f6f2e8 1f5a7a c9402b e0a63a",
    "1b1d24 f2eee3 d7352b f0c330 3a6ea5 8c8f8b",
    "d9cdb4 2a1f3d f7f1e6 6c3fa0 e2583e 2fa7a0",
    "f1ebdd 0f1a2b 20639b 3caea3 f6d55c ed553b",
    "3b2a20 efe2c6 c17f3b 7a1f1d 1d3b34 d8b985",
)


def drip_painting(rng: np.random.Generator, size: int) -> Picture:
    colors = from_hex(_ENAMELS[rng.integers(len(_ENAMELS))])
    if rng.random() < 0.35:
        colors = turn(colors, hue=rng.uniform(-np.pi, np.pi))
    weave = canvas_weave(rng, size)
    stain = np.clip(fractal_noise(rng, size, 3) - 0.3, 0, 2)[..., None]
    ground = colors[0] * (1 + 0.05 * weave[..., None] - 0.1 * stain)
    base = np.concatenate([np.clip(ground, 0, 1), np.zeros((size, size, 1))], axis=2)
    sheet = Image.fromarray((base * 255).astype(np.uint8)).resize((size * 2, size * 2), 0)
    draw = ImageDraw.Draw(sheet)
    scale = rng.uniform(0.7, 1.5)
    order = rng.permutation(np.tile(np.arange(1, len(colors)), 3))
    for pour in order:
        for _ in range(int(rng.integers(2, 5))):
            tint = vary(rng, colors[pour][None], hue=0.05, chroma=0.08, value=0.02)[0]
            path, widths = _skein(rng, 0.0019 * scale / (rng.random() + 0.13))
            _pour(draw, path, widths, tint, size)
            _flick(rng, draw, path, tint, size, scale)
        if rng.random() < 0.45:
            _puddle(rng, draw, colors[pour], size, scale)
    small = averaged(sheet, 2)
    thickness = 9 * blur(small[..., 3], 1.1 * size / 512) + 0.12 * weave
    # Enamels bleed into each other a little while wet.
    color = 0.75 * small[..., :3] + 0.25 * blur(small[..., :3], 0.002 * size)
    return np.clip(shaded(color, light(thickness, 0.36)), 0, 1)


def _skein(rng: np.random.Generator, width: float) -> tuple[Points, np.ndarray]:
    """A looping throw of the arm; paint thins where the arm moves fast."""
    steps = 420
    time = np.linspace(0, rng.uniform(3, 8), steps)
    path = np.zeros((steps, 2))
    for octave in range(1, 7):
        for axis in (0, 1):
            rate = octave * rng.uniform(0.6, 1.4)
            swing = rng.normal(0, 0.34) / octave**1.05
            path[:, axis] += swing * np.sin(rate * time + rng.uniform(0, 2 * np.pi))
    drift = rng.normal(0, 0.25, 2) * np.linspace(-1, 1, steps)[:, None]
    path = path + drift + rng.uniform(0.15, 0.85, 2) - path.mean(axis=0)
    speed = np.linalg.norm(np.gradient(path, axis=0), axis=1)
    slow = np.clip(np.median(speed) / (speed + 1e-5), 0.3, 4)
    pulse = np.interp(np.linspace(0, 60, steps), np.arange(61), rng.gamma(2.2, 0.42, 61) + 0.12)
    return path, width * slow**0.8 * pulse


def _disc(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, fill: tuple) -> None:
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _ink(color: Color, thickness: float) -> tuple[int, ...]:
    return (*(color * 255).astype(int).tolist(), int(np.clip(thickness, 0, 1) * 255))


def _pour(
    draw: ImageDraw.ImageDraw, path: Points, widths: np.ndarray, color: Color, size: int
) -> None:
    """The skein as a chain of round beads, thick paint standing higher."""
    length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum() * size * 2
    dense = np.linspace(0, len(path) - 1, int(length / 0.8) + 2)
    index = np.arange(len(path))
    x, y = (np.interp(dense, index, path[:, axis]) * size * 2 for axis in (0, 1))
    radii = np.maximum(np.interp(dense, index, widths) * size, 0.9)
    inks = [_ink(color, 0.25 + 0.1 * level) for level in range(8)]
    levels = np.clip(radii / (0.0016 * size), 0, 7).astype(int)
    inside = (x > -20) & (x < 2 * size + 20) & (y > -20) & (y < 2 * size + 20)
    for a, b, r, level in zip(x[inside], y[inside], radii[inside], levels[inside], strict=True):
        _disc(draw, a, b, r, inks[level])


def _flick(
    rng: np.random.Generator,
    draw: ImageDraw.ImageDraw,
    path: Points,
    color: Color,
    size: int,
    scale: float,
) -> None:
    """Drops thrown off the skein where it turns, large ones few."""
    count = int(rng.integers(30, 260))
    origin = path[rng.integers(len(path), size=count)]
    spots = (origin + rng.standard_t(3, (count, 2)) * 0.022) * size * 2
    radii = scale * 0.0011 * size * (1 / (rng.random(count) + 0.12)) * rng.uniform(0.5, 1, count)
    for (x, y), radius in zip(spots, radii, strict=True):
        _disc(draw, x, y, radius, _ink(color, 0.3 + radius / 12))


def _puddle(
    rng: np.random.Generator, draw: ImageDraw.ImageDraw, color: Color, size: int, scale: float
) -> None:
    """A spill: many overlapping drops about one place, and runs that leave it."""
    center = rng.uniform(0.05, 0.95, 2)
    spread = rng.uniform(0.01, 0.035) * scale
    for x, y in (center + rng.normal(0, spread, (60, 2))) * size * 2:
        _disc(draw, x, y, rng.uniform(0.3, 0.9) * spread * size, _ink(color, 0.85))
    for _ in range(int(rng.integers(0, 5))):
        x, y = (center + rng.normal(0, spread, 2)) * size * 2
        for step in range(int(rng.uniform(0.04, 0.2) * size * 2)):
            _disc(draw, x + 0.6 * np.sin(step / 15), y + step, 0.0032 * size, _ink(color, 0.6))
