"""Colour woodcut: flat inks with graded skies, a key block, wood grain, waves and scales."""

import numpy as np

from . import scenes
from .arrays import Color, Colors, Picture, Plane, Points
from .palette import from_hex, luminance, mix, pick
from .shapes import blob, ellipse, full_mask, ridge_line, to_bottom
from .texture import smoothstep
from .woodcut import Woodcut

# paper, deep, middle, pale, sun, earth, key
_INKS = (
    "efe3c6 1d3f6b 4d7fa3 a9c3c0 cf4a2f c79a5b 1b2230",
    "f2e7d0 14405a 2f7f86 b7d0b4 d9622b b88a4e 15242c",
    "f0dfc0 3a2f63 7a6aa0 cbb7c0 e08a3c a0624a 211a33",
    "ecdcb8 264b3a 5f8a5a b9c48f c23a2b b07a3c 1d231b",
    "f3e6d3 7a2334 b95b55 e3b7a0 f0c04a 6d6a58 2a1418",
    "e9e2d2 23374d 60788c b6c4cc c8402f a89b80 16191f",
)


def woodblock(rng: np.random.Generator, size: int) -> Picture:
    inks = from_hex(_INKS[rng.integers(len(_INKS))])
    sheet = Woodcut(rng, size, inks[0])
    view = _scene if rng.random() < 0.4 else _waves
    view(rng, sheet, inks)
    return sheet.finish(inks[-1])


def _scene(rng: np.random.Generator, sheet: Woodcut, inks: Colors) -> None:
    """Any motif, every shape printed in that ink of the set which is nearest to it."""
    shapes = scenes.compose(rng, pick(rng, night=0.2))
    for item in shapes:
        apart = 0.5 * np.abs(inks - item.color).sum(axis=1)
        apart += 1.5 * np.abs(luminance(inks) - luminance(item.color))
        mask = full_mask([item.outline], sheet.size)
        if mask.max() > 0.5:
            ink = inks[apart.argmin()]
            sheet.block(mask, ink)
            if mask.mean() > 0.05:
                fade = np.linspace(rng.choice([0.7, 0]), 0, sheet.size, dtype=np.float32)
                sheet.block(mask * fade[:, None] ** 2, inks[1], outlined=False)


def _waves(rng: np.random.Generator, sheet: Woodcut, inks: Colors) -> None:
    """Sun and cone mountain behind a quiet sea of scales and some breakers."""
    ground, deep, middle, pale, sun, earth, _ = inks
    size = sheet.size
    rows = np.broadcast_to(np.linspace(0, 1, size, dtype=np.float32)[:, None], (size, size))
    # Bokashi: the block was wiped so that the ink fades.
    sheet.block(smoothstep(rng.uniform(0.2, 0.4), 0.0, rows), deep, outlined=False)
    sheet.block(smoothstep(0.25, 0.6, rows) * 0.8, mix(sun, ground, 0.5), outlined=False)
    if rng.random() < 0.8:
        radius = rng.uniform(0.07, 0.13)
        disc = ellipse(rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.34), radius, radius)
        sheet.block(full_mask([disc], size), sun)
    _clouds(rng, sheet, ground)
    if rng.random() < 0.75:
        _mountain(rng, sheet, rows, middle, ground, deep)
    hill = full_mask([to_bottom(ridge_line(rng, 0.62, 0.05))], size)
    sheet.block(hill, mix(earth, pale, rng.uniform(0, 0.7)))
    _scales(rng, sheet, rng.uniform(0.6, 0.68), middle, pale, ground)
    for depth in np.linspace(0, 1, int(rng.integers(2, 5))):
        _wave(rng, sheet, depth, (deep, middle, pale, ground))


def _clouds(rng: np.random.Generator, sheet: Woodcut, color: Color) -> None:
    """Flat bands of mist with rounded ends."""
    for _ in range(int(rng.integers(1, 4))):
        y, x = rng.uniform(0.08, 0.5), rng.uniform(0, 1)
        bars = []
        for step in range(int(rng.integers(2, 4))):
            left, long = x + rng.normal(0, 0.12), rng.uniform(0.2, 0.5)
            turns = np.linspace(-np.pi / 2, np.pi / 2, 14)
            cap = np.stack([np.cos(turns), np.sin(turns)], axis=1) * 0.016
            middle = y + step * 0.03
            bars.append(np.concatenate([cap + [left + long, middle], -cap + [left, middle]]))
        sheet.block(full_mask(bars, sheet.size), color)


def _mountain(
    rng: np.random.Generator, sheet: Woodcut, rows: Plane, color: Color, snow: Color, deep: Color
) -> None:
    """A cone with concave flanks and a ragged cap of snow."""
    x, top, half = rng.uniform(0.25, 0.75), rng.uniform(0.2, 0.36), rng.uniform(0.35, 0.6)
    t = np.linspace(-1, 1, 120)
    flank = np.maximum(np.abs(t), 0.06) ** 0.75
    crest = np.stack([x + half * t, top + 0.45 * flank + rng.normal(0, 0.0012, 120)], axis=1)
    body = full_mask([to_bottom(crest)], sheet.size)
    sheet.block(body, color)
    sheet.block(body * smoothstep(top + 0.2, 0.62, rows) * 0.6, deep, outlined=False)
    teeth = 0.028 * np.abs(np.sin(t * rng.uniform(38, 60))) + rng.normal(0, 0.008, 120)
    cap_height = rng.uniform(0.07, 0.13)
    near = np.abs(crest[:, 1] - top) < cap_height
    lower = np.stack([crest[near, 0], np.full(near.sum(), top + cap_height) + teeth[near]], axis=1)
    sheet.block(full_mask([np.concatenate([crest[near], lower[::-1]])], sheet.size), snow)


def _scales(rng: np.random.Generator, sheet: Woodcut, level: float, *colors: Color) -> None:
    """Seigaiha: rows of overlapping rings for the quiet sea."""
    size, radius = sheet.size, rng.uniform(0.035, 0.065)
    middle, pale, ground = colors
    sea = np.zeros((size, size), np.float32)
    sea[int(level * size) :] = 1
    sheet.block(sea, middle)
    rows, columns = np.indices((size, size), dtype=np.float32) / size
    away = np.full((size, size), 9.0, np.float32)
    for row in range(int((1.1 - level) / (0.5 * radius)) + 2):
        center = level + radius * (0.5 * row + 0.9)
        x = (columns / (2 * radius) + 0.5 * (row % 2)) % 1 - 0.5
        near = np.hypot(x * 2 * radius, rows - center) / radius
        away = np.where((near < 1) & (rows < center + 0.2 * radius), near, away)
    rings = (away < 1) * sea
    bright = rings * smoothstep(0.06, 0.12, np.abs((away * 3 + 0.5) % 1 - 0.5))
    fade = smoothstep(1.15, level, rows)
    sheet.block(bright * (0.35 + 0.65 * fade), pale, outlined=False)
    sheet.line(rings * (away > 0.94) * 0.9)
    sheet.block(rings * (away < 0.2), ground, outlined=False)


def _wave(rng: np.random.Generator, sheet: Woodcut, depth: float, inks: tuple[Color, ...]) -> None:
    """A breaking wave: bands of blue that follow its back, foam with claws at its crest."""
    deep, middle, pale, foam = inks
    side = rng.choice([-1.0, 1.0])
    center, level = rng.uniform(0.15, 0.85), 0.8 + 0.17 * depth
    height, wide = rng.uniform(0.17, 0.42) * (1.15 - 0.3 * depth), rng.uniform(0.26, 0.42)
    crest = _breaker(center, level, height, wide, side)
    sheet.block(full_mask([to_bottom(crest)], sheet.size), deep)
    for band, color in ((0.22, pale), (0.42, middle), (0.62, pale), (0.8, deep)):
        x, base = center - 0.1 * side * band, level + 0.12 * band
        sunk = _breaker(x, base, height * (1 - band), wide, side)
        sheet.block(full_mask([to_bottom(sunk)], sheet.size), color)
    swell = crest[(level - crest[:, 1]) > 0.5 * height]
    claws = []
    for x, y in swell[:: max(1, len(swell) // 26)]:
        radius = rng.uniform(0.012, 0.026) * (0.6 + height * 2.2)
        claws.append(blob(rng, x, y, radius, wobble=0.3))
        for _ in range(2):
            reach = radius * rng.uniform(0.9, 1.7)
            turn = rng.uniform(0.1, 1.3) if side > 0 else np.pi - rng.uniform(0.1, 1.3)
            tip = np.array([x, y]) + reach * np.array([np.cos(turn), np.sin(turn)])
            claws.append(ellipse(*tip, 0.45 * radius, 0.3 * radius, angle=turn))
    if claws:
        sheet.block(full_mask(claws, sheet.size), foam)
    spray = swell[rng.integers(len(swell), size=24)] if len(swell) else np.zeros((0, 2))
    spray = spray + np.abs(rng.normal(0, 0.05, spray.shape)) * [side, -1]
    drops = [
        ellipse(x, y, r, r)
        for (x, y), r in zip(spray, rng.uniform(0.002, 0.006, len(spray)), strict=True)
    ]
    if drops:
        sheet.block(full_mask(drops, sheet.size), foam, outlined=False)


def _breaker(center: float, level: float, height: float, wide: float, side: float) -> Points:
    """A swell whose crest leans over, as a line from left to right."""
    t = np.linspace(-3, 3, 240)
    rise = np.exp(-(t**2))
    lean = side * wide * 0.95 * rise**2.2
    x = center + wide * t + lean
    ripple = 0.008 * np.sin(9 * t) * (1 - rise)
    curl = 0.25 * height * np.exp(-(((t - 0.42 * side) / 0.3) ** 2))
    y = level - height * rise + ripple + curl * 0.6
    line = np.stack([x, y], axis=1)
    return np.concatenate([[[-1.5, level]], line, [[2.5, level]]])
