"""Outdoor compositions as lists of shapes, from back to front."""

import numpy as np

from .arrays import Color
from .palette import Palette, mix, vary
from .shapes import (
    Shape,
    blob,
    ellipse,
    lathe,
    rectangle,
    ribbon,
    ridge_line,
    shape,
    to_bottom,
)


def _sky(rng: np.random.Generator, palette: Palette) -> list[Shape]:
    shapes = [shape(rectangle(-0.02, -0.02, 1.02, 1.02), palette.sky, palette.haze)]
    x, y, radius = rng.uniform(0.15, 0.85), rng.uniform(0.1, 0.28), rng.uniform(0.05, 0.11)
    for grow, amount in ((2.1, 0.25), (1.5, 0.5), (1.0, 1.0)):
        glow = mix(palette.haze, palette.light, amount)
        shapes.append(shape(ellipse(x, y, radius * grow, radius * grow), glow))
    for _ in range(rng.integers(1, 5)):
        cloud_x, cloud_y = rng.uniform(0, 1), rng.uniform(0.05, 0.4)
        color = mix(palette.haze, palette.light, rng.uniform(0.2, 0.8))
        for _ in range(4):
            center_x = cloud_x + rng.normal(0, 0.07)
            puff = blob(rng, 0, 0, rng.uniform(0.04, 0.09)) * [1.5, 0.6] + [center_x, cloud_y]
            shapes.append(shape(puff, color, mix(color, palette.sky, 0.3)))
    return shapes


def _tree(
    rng: np.random.Generator, palette: Palette, x: float, y: float, tall: float
) -> list[Shape]:
    crown = mix(palette.near, palette.dark, rng.uniform(0.1, 0.7))
    trunk_path = np.array([[x, y], [x + 0.01 * tall, y - 0.3 * tall], [x, y - 0.6 * tall]])
    trunk = shape(ribbon(trunk_path, tall * np.array([0.09, 0.06, 0.04])), palette.dark)
    if rng.random() < 0.5:
        t = np.linspace(0, 1, 40)
        sway = 0.05 * tall * np.sin(5 * t + rng.uniform(0, 6)) * t
        path = np.stack([x + sway, y - tall * t], axis=1)
        widths = tall * (0.34 * np.sin(np.pi * t**0.6) + 0.02) * (1 + 0.2 * np.sin(t * 33))
        return [shape(ribbon(path, widths), crown, palette.dark, relief=0.5)]
    crowns = [
        shape(
            blob(rng, x + rng.normal(0, 0.14) * tall, y - rng.uniform(0.5, 0.95) * tall, radius),
            vary(rng, crown[None], hue=0.2)[0],
            mix(crown, palette.dark, 0.5),
            relief=0.6,
        )
        for radius in tall * rng.uniform(0.14, 0.3, 5)
    ]
    return [trunk, *crowns]


def hills(rng: np.random.Generator, palette: Palette) -> list[Shape]:
    """Ridges one before the other, fields, and trees."""
    shapes = _sky(rng, palette)
    count = int(rng.integers(3, 6))
    levels = np.linspace(rng.uniform(0.38, 0.55), rng.uniform(0.82, 0.92), count)
    ramp = np.stack([palette.far, palette.middle, palette.near])
    for index, level in enumerate(levels):
        depth = index / (count - 1)
        color = np.array([np.interp(depth * 2, [0, 1, 2], ramp[:, band]) for band in range(3)])
        line = ridge_line(
            rng, level, rng.uniform(0.03, 0.1) * (1.4 - depth), roughness=0.55 - 0.2 * depth
        )
        body = to_bottom(line)
        shapes.append(shape(body, mix(color, palette.light, 0.25), color, relief=0.3))
        if index == count // 2:
            for shift in np.linspace(0.03, 0.14, 4):
                band = ribbon(line + [0, shift], np.full(len(line), 0.016))
                shapes.append(shape(band, mix(color, palette.accent, rng.uniform(0.2, 0.7))))
        for _ in range(rng.integers(0, 4) if index else 0):
            spot = line[rng.integers(len(line))]
            tall = rng.uniform(0.08, 0.2) * (0.6 + depth * 1.4)
            shapes += _tree(rng, palette, spot[0], spot[1] + 0.03, tall)
    return shapes


def sea(rng: np.random.Generator, palette: Palette) -> list[Shape]:
    """Open water with boats, a far coast, and the sun's path on the waves."""
    shapes = _sky(rng, palette)
    horizon = rng.uniform(0.36, 0.56)
    coast = ridge_line(rng, horizon - 0.03, rng.uniform(0.02, 0.07), roughness=0.6)
    shapes.append(shape(to_bottom(coast), palette.far))
    shapes.append(shape(rectangle(-0.02, horizon, 1.02, 1.02), palette.haze, palette.near))
    glitter = rng.uniform(0.25, 0.75)
    for y in horizon + (1 - horizon) * np.linspace(0.03, 0.97, 26) ** 1.4:
        near = (y - horizon) / (1 - horizon)
        for _ in range(3):
            x, length = rng.uniform(0, 1), rng.uniform(0.05, 0.3) * (0.4 + near)
            bright = np.exp(-(((x - glitter) / 0.16) ** 2))
            color = mix(mix(palette.middle, palette.near, near), palette.light, bright)
            wave = ellipse(x, y, length / 2, 0.006 + 0.012 * near)
            shapes.append(shape(wave, vary(rng, color[None])[0]))
    for depth in np.sort(rng.uniform(0.05, 0.75, rng.integers(1, 5))):
        shapes += _boat(rng, palette, rng.uniform(0.1, 0.9), horizon + (1 - horizon) * depth, depth)
    return shapes


def _boat(
    rng: np.random.Generator, palette: Palette, x: float, y: float, depth: float
) -> list[Shape]:
    long = 0.06 + 0.2 * depth
    lean = rng.normal(0, 0.08)
    hull = np.array([[-0.5, 0], [0.6, -0.03], [0.42, 0.16], [-0.36, 0.16]]) * long + [x, y]
    mast = np.array([[0.02 + lean, -1.15], [0.05, 0], [0, 0]]) * long + [x, y]
    main = np.array([[lean, -1.1], [-0.42, -0.12], [0, -0.06]]) * long + [x, y]
    jib = np.array([[0.06 + lean, -1.0], [0.1, -0.08], [0.55, -0.1]]) * long + [x, y]
    mirrored = np.array([[-0.35, 0.2], [0.4, 0.2], [0.1, 0.75], [-0.1, 0.75]]) * long + [x, y]
    sail = palette.light if rng.random() < 0.5 else palette.accent
    return [
        shape(mirrored, mix(palette.near, palette.dark, 0.5)),
        shape(mast, palette.dark),
        shape(main, sail, mix(sail, palette.haze, 0.4)),
        shape(jib, mix(sail, palette.dark, 0.25)),
        shape(hull, palette.accent, palette.dark),
    ]


def town(rng: np.random.Generator, palette: Palette) -> list[Shape]:
    """Houses and towers stacked up a slope."""
    shapes = _sky(rng, palette)
    mountain = ridge_line(rng, rng.uniform(0.35, 0.45), 0.1, roughness=0.6)
    shapes.append(shape(to_bottom(mountain), palette.far, palette.haze))
    walls = np.stack([palette.haze, palette.light, palette.middle, palette.accent, palette.far])
    for base in np.linspace(0.56, 1.04, 5):
        x = -0.05
        while x < 1.0:
            wide, tall = rng.uniform(0.08, 0.17), rng.uniform(0.09, 0.2)
            color = vary(rng, walls[rng.integers(5)][None], hue=0.15)[0]
            shapes += _house(rng, palette, x, base, wide, tall, color)
            x += wide * rng.uniform(0.85, 1.15)
    return shapes


def _house(
    rng: np.random.Generator,
    palette: Palette,
    x: float,
    base: float,
    wide: float,
    tall: float,
    color: Color,
) -> list[Shape]:
    top = base - tall
    shapes = [shape(rectangle(x, top, x + wide, base), color, mix(color, palette.dark, 0.25))]
    side = rectangle(x + 0.68 * wide, top, x + wide, base)
    shapes.append(shape(side, mix(color, palette.dark, 0.35)))
    roof = vary(rng, mix(palette.accent, palette.dark, rng.uniform(0, 0.5))[None])[0]
    kind = rng.random()
    if kind < 0.15:
        radius = 0.4 * wide
        dome = lathe(
            x + wide / 2,
            top,
            [0, 0.5 * radius, radius, 1.6 * radius],
            [radius, radius * 0.95, radius * 0.4, 0.002],
        )
        shapes.append(shape(dome, roof, relief=0.6))
    elif kind < 0.85:
        gable = np.array([[x - 0.01, top], [x + wide * 0.45, top - 0.4 * wide], [x + wide, top]])
        shapes.append(shape(gable, roof, mix(roof, palette.dark, 0.3)))
    for row in range(max(1, int(tall / 0.06))):
        for column in (0.16, 0.42):
            left, up = x + column * wide, top + 0.02 + 0.055 * row
            pane = palette.dark if rng.random() < 0.7 else palette.light
            shapes.append(shape(rectangle(left, up, left + 0.16 * wide, up + 0.028), pane))
    return shapes
