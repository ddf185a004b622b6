"""Outlines in the unit square, and antialiased masks of them."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from .arrays import Color, Plane, Points


@dataclass(frozen=True)
class Shape:
    """One flat piece of a picture: colour from the top of its box to the bottom of it.

    `relief` above 0 shades it as a rounded body.
    """

    outline: Points
    color: Color
    low_color: Color
    relief: float = 0.0


def shape(outline: Points, color: Color, low: Color | None = None, *, relief: float = 0) -> Shape:
    return Shape(outline, color, color if low is None else low, relief)


def rectangle(left: float, top: float, right: float, bottom: float) -> Points:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def ellipse(x: float, y: float, rx: float, ry: float, *, angle: float = 0.0) -> Points:
    turns = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return placed(np.stack([rx * np.cos(turns), ry * np.sin(turns)], axis=1), x, y, angle)


def placed(points: Points, x: float, y: float, angle: float = 0.0) -> Points:
    """Turned about the origin, then moved."""
    c, s = np.cos(angle), np.sin(angle)
    return points @ np.array([[c, s], [-s, c]]) + [x, y]


def blob(
    rng: np.random.Generator, x: float, y: float, radius: float, *, wobble: float = 0.2
) -> Points:
    """A round, wavy closed curve."""
    turns = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    waves = np.arange(2, 7)
    amounts = rng.normal(0, 1, 5) / waves
    phases = rng.uniform(0, 2 * np.pi, 5)
    bumps = (amounts * np.sin(np.outer(turns, waves) + phases)).sum(axis=1)
    reach = radius * (1 + wobble * bumps)
    return np.stack([x + reach * np.cos(turns), y + reach * np.sin(turns)], axis=1)


def ridge_line(
    rng: np.random.Generator, level: float, amplitude: float, *, roughness: float = 0.45
) -> Points:
    """A skyline from the left edge to the right one; rough ones are mountains."""
    x = np.linspace(-0.02, 1.02, 140)
    y = np.zeros_like(x)
    frequency, weight = rng.uniform(0.6, 1.5), 1.0
    for _ in range(6):
        y += weight * np.sin(2 * np.pi * (frequency * x + rng.random()))
        frequency, weight = frequency * rng.uniform(1.7, 2.3), weight * roughness
    return np.stack([x, level - amplitude * y / 1.6], axis=1)


def to_bottom(line: Points, *, bottom: float = 1.02) -> Points:
    """Everything below a line that runs from left to right."""
    return np.concatenate([line, [[line[-1, 0], bottom], [line[0, 0], bottom]]])


def ribbon(path: Points, widths: np.ndarray) -> Points:
    """The outline of a band of changing width around a path."""
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) * widths[:, None] / 2
    return np.concatenate([path + normal, (path - normal)[::-1]])


def leaf(x: float, y: float, length: float, width: float, angle: float) -> Points:
    """A pointed leaf that starts at (x, y)."""
    t = np.linspace(0, 1, 16)
    path = np.stack([length * t, 0.12 * length * np.sin(np.pi * t)], axis=1)
    return placed(ribbon(path, width * np.sin(np.pi * t**0.8)), x, y, angle)


def lathe(x: float, base: float, heights: list[float], radii: list[float]) -> Points:
    """A turned vessel: smooth profile through (height above the base, radius) pairs."""
    t = np.linspace(0, len(heights) - 1, 60)
    knots = np.arange(len(heights))
    kernel = np.hanning(11) / np.hanning(11).sum()
    radius = np.convolve(np.pad(np.interp(t, knots, radii), 5, mode="edge"), kernel, "valid")
    height = np.interp(t, knots, heights)
    right = np.stack([x + radius, base - height], axis=1)
    left = np.stack([x - radius, base - height], axis=1)
    return np.concatenate([right, left[::-1]])


def stencil(outline: Points, size: int, *, margin: int = 1) -> tuple[tuple[slice, slice], Plane]:
    """The mask of an outline and where in the picture it lies (empty when outside).

    `margin` is how many pixels of the surroundings come with it.
    """
    pixels = outline * size
    low = np.clip(np.floor(pixels.min(axis=0)).astype(int) - margin, 0, size)
    high = np.clip(np.ceil(pixels.max(axis=0)).astype(int) + margin + 1, 0, size)
    width, height = np.maximum(high - low, 0)
    place = (slice(low[1], low[1] + height), slice(low[0], low[0] + width))
    if not width or not height:
        return place, np.zeros((height, width), np.float32)
    fine = Image.new("L", (int(width) * 3, int(height) * 3), 0)
    ImageDraw.Draw(fine).polygon(((pixels - low) * 3).ravel().tolist(), fill=255)
    return place, np.asarray(fine.reduce(3), np.float32) / 255


def full_mask(outlines: list[Points], size: int) -> Plane:
    """The union of some outlines as one mask of the whole picture."""
    mask = np.zeros((size, size), np.float32)
    for outline in outlines:
        place, part = stencil(outline, size)
        mask[place] = np.maximum(mask[place], part)
    return mask
