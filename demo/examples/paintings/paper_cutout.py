"""Shapes cut with scissors from gouache-painted paper and pinned on coloured sheets."""

import numpy as np
from scipy import ndimage

from .arrays import Color, Colors, Picture, Points
from .palette import from_hex, luminance, mix, turn, vary
from .shapes import blob, ellipse, full_mask, placed, rectangle, ribbon
from .texture import blur, fractal_noise, light, paper

_SHEETS = (
    "1b4fa0 f6f1e4 e8452f f4b73b 1f7a55 e88fb0 151821",
    "f6f1e4 d7263d 1b998b f4d35e 2e294e f46036 8ecae6",
    "0b3c5d f3ead7 d9b310 c0392b 328cc1 5b8c5a 1d2731",
    "f3e3c8 2f5d8a e76f51 e9c46a 2a9d8f 264653 f4a261",
    "ef8354 f7f3e9 2d3142 4f5d75 f2c14e 8a3b5e 3c896d",
    "5b2a86 f7ede2 f5cac3 84a59d f28482 f6bd60 22223b",
)


def paper_cutout(rng: np.random.Generator, size: int) -> Picture:
    colors = from_hex(_SHEETS[rng.integers(len(_SHEETS))])
    if rng.random() < 0.25:
        colors = turn(colors, hue=rng.uniform(-np.pi, np.pi), chroma=1.1)
    picture = _painted(rng, colors[1], size)
    for outline in _sheets(rng):
        color = colors[rng.integers(len(colors))]
        picture = _glued(rng, picture, [outline], color, lift=0.4)
    spots = rng.permutation(_places(rng))
    for (x, y), color in zip(spots, _unlike(rng, picture, spots, colors), strict=True):
        reach = rng.uniform(0.11, 0.21) * (1.25 if len(spots) < 10 else 0.85)
        cut = (_alga, _alga, _leafy, _pebble, _star)[rng.integers(5)]
        angle = rng.normal(0, 0.6)
        pieces = [placed(piece * reach, x, y, angle) for piece in cut(rng)]
        picture = _glued(rng, picture, pieces, color, lift=1.0)
    grain = light(0.35 * paper(rng, size), 0.11)
    return np.clip(picture * grain[..., None], 0, 1)


def _painted(rng: np.random.Generator, color: Color, size: int) -> Picture:
    """A sheet brushed with gouache: broad streaks, nearly flat."""
    streaks = fractal_noise(rng, size, 10, stretch=9, gain=0.7)
    turned = ndimage.rotate(streaks, rng.uniform(0, 180), reshape=False, order=1, mode="reflect")
    clouds = fractal_noise(rng, size, 3)
    sheet = color * (1 + 0.05 * turned + 0.025 * clouds)[..., None]
    return np.clip(sheet + 0.012 * turned[..., None], 0, 1)


def _glued(
    rng: np.random.Generator, picture: Picture, outlines: list[Points], color: Color, *, lift: float
) -> Picture:
    """The piece with its cut edge and the shadow it throws."""
    size = picture.shape[0]
    mask = full_mask(outlines, size)
    fall = 0.006 * size * lift
    shadow = blur(ndimage.shift(mask, (fall, 0.7 * fall), order=1), 0.6 * fall)
    picture = picture * (1 - 0.34 * shadow[..., None])
    sheet = _painted(rng, vary(rng, color[None], hue=0.04, chroma=0.05, value=0.015)[0], size)
    edge = light(blur(mask, 0.9) * 2.2, 0.35)
    return mix(picture, np.clip(sheet * edge[..., None], 0, 1), mask)


def _sheets(rng: np.random.Generator) -> list[Points]:
    """A patchwork of slightly crooked rectangles."""
    columns, rows = rng.integers(1, 4, 2)
    across = np.linspace(0, 1, columns + 1) + np.append(0, rng.normal(0, 0.05, columns))
    down = np.linspace(0, 1, rows + 1) + np.append(0, rng.normal(0, 0.05, rows))
    across[[0, -1]], down[[0, -1]] = (-0.05, 1.05), (-0.05, 1.05)
    cells = [
        rectangle(across[i], down[j], across[i + 1], down[j + 1])
        for i in range(columns)
        for j in range(rows)
    ]
    return [cell + rng.normal(0, 0.008, (4, 2)) for cell in cells]


def _places(rng: np.random.Generator) -> Points:
    count = int(rng.integers(3, 6))
    line = (np.arange(count) + 0.5) / count
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    return grid + rng.normal(0, 0.2 / count, grid.shape)


def _unlike(rng: np.random.Generator, ground: Picture, spots: Points, colors: Colors) -> Colors:
    """For every spot a colour that stands out from what lies there."""
    size = ground.shape[0]
    column, row = np.clip((spots * size).astype(int), 0, size - 1).T
    below = ground[row, column]
    contrast = np.linalg.norm(colors[None] - below[:, None], axis=2)
    contrast += np.abs(luminance(colors)[None] - luminance(below)[:, None])
    near_best = np.argsort(contrast, axis=1)[:, -3:]
    return colors[near_best[np.arange(len(spots)), rng.integers(0, 3, len(spots))]]


def _alga(rng: np.random.Generator) -> list[Points]:
    """A swaying stem with rounded fingers on both sides."""
    t = np.linspace(-1, 1, 24)
    sway = rng.normal(0, 0.25) * np.sin(np.pi * t + rng.uniform(0, 6))
    stem = np.stack([sway, t], axis=1)
    pieces = [ribbon(stem, np.full(24, 0.2))]
    count = int(rng.integers(3, 7))
    for place in np.linspace(2, 21, count).astype(int):
        for side in (-1, 1):
            x, y = stem[place]
            long = rng.uniform(0.5, 0.85) * (1.1 - 0.5 * abs(y))
            rise = rng.uniform(0.1, 0.4)
            s = np.linspace(0, 1, 14)
            finger = np.stack([x + side * long * s, y - rise * s**2 * 1.6], axis=1)
            thick = 0.1 + 0.13 * s
            pieces.append(ribbon(finger, thick))
            pieces.append(ellipse(*finger[-1], thick[-1] / 2, thick[-1] / 2))
    pieces += [ellipse(*stem[end], 0.1, 0.1) for end in (0, -1)]
    return pieces


def _leafy(rng: np.random.Generator) -> list[Points]:
    """A palmate leaf: lobes about one point."""
    count = int(rng.integers(5, 10))
    pieces = [blob(rng, 0, 0, 0.3)]
    for heading in np.linspace(-2.5, 2.5, count):
        long, t = rng.uniform(0.75, 1.05), np.linspace(0, 1, 16)
        lobe = np.stack([0.1 * np.sin(3 * t), -long * t], axis=1)
        pieces.append(placed(ribbon(lobe, 0.3 * np.sin(np.pi * (0.12 + 0.86 * t))), 0, 0, heading))
    return pieces


def _pebble(rng: np.random.Generator) -> list[Points]:
    """A soft form, like a stone or a torso."""
    return [blob(rng, 0, 0, rng.uniform(0.5, 0.8), wobble=0.38)]


def _star(rng: np.random.Generator) -> list[Points]:
    """A hand-cut star or sun."""
    points = int(rng.integers(5, 11))
    turns = np.linspace(0, 2 * np.pi, 2 * points, endpoint=False)
    reach = np.where(np.arange(2 * points) % 2, rng.uniform(0.3, 0.5), 0.9)
    reach = reach * rng.uniform(0.85, 1.15, 2 * points)
    return [np.stack([reach * np.cos(turns), reach * np.sin(turns)], axis=1)]
