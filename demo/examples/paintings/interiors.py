"""Indoor compositions as lists of shapes: still life, flowers, a sitter."""

import numpy as np

from .palette import Palette, mix, vary
from .shapes import Shape, blob, ellipse, lathe, leaf, rectangle, ribbon, shape


def _room(rng: np.random.Generator, palette: Palette, table: float) -> list[Shape]:
    wall, cloth = (palette.sky, palette.haze) if rng.random() < 0.5 else (palette.far, palette.sky)
    shapes = [shape(rectangle(-0.02, -0.02, 1.02, 1.02), wall, cloth)]
    edge = rng.uniform(0.3, 0.75)
    drape = np.array([[edge, -0.02], [1.02, -0.02], [1.02, 0.9], [edge + 0.1, 0.9]])
    shapes.append(shape(drape, mix(palette.middle, palette.dark, 0.15), palette.far))
    for fold in np.linspace(edge + 0.05, 0.98, 4):
        path = np.array([[fold, -0.02], [fold + 0.03, 0.4], [fold + 0.02, 0.9]])
        folded = ribbon(path, np.array([0.01, 0.035, 0.05]))
        shapes.append(shape(folded, mix(palette.middle, palette.dark, 0.45)))
    tilt = rng.normal(0, 0.03)
    top = np.array([[-0.02, table + tilt], [1.02, table - tilt], [1.02, 1.02], [-0.02, 1.02]])
    shapes.append(shape(top, palette.haze, mix(palette.light, palette.near, 0.35)))
    return shapes


def _fruit(
    rng: np.random.Generator, palette: Palette, x: float, y: float, radius: float
) -> list[Shape]:
    colors = np.stack([palette.accent, palette.light, palette.middle, palette.near])
    color = vary(rng, colors[rng.choice(4, p=[0.45, 0.25, 0.15, 0.15])][None], hue=0.2)[0]
    shadow = ellipse(x + 0.35 * radius, y + 0.8 * radius, 1.25 * radius, 0.32 * radius)
    stem = ribbon(
        np.array([[x, y - 0.8 * radius], [x + 0.12 * radius, y - 1.25 * radius]]),
        radius * np.array([0.14, 0.08]),
    )
    glint = ellipse(x - 0.35 * radius, y - 0.4 * radius, 0.17 * radius, 0.12 * radius, angle=-0.6)
    body = blob(rng, x, y, radius, wobble=0.08)
    return [
        shape(shadow, mix(palette.near, palette.dark, 0.6)),
        shape(body, color, mix(color, palette.dark, 0.35), relief=1),
        shape(stem, palette.dark),
        shape(glint, mix(color, np.ones(3), 0.7)),
    ]


def still_life(rng: np.random.Generator, palette: Palette) -> list[Shape]:
    """A bottle, a jug and fruit on a table by a curtain."""
    table = rng.uniform(0.55, 0.68)
    shapes = _room(rng, palette, table)
    mirror = rng.random() < 0.5
    for x, tall in ((0.3, rng.uniform(0.42, 0.56)), (0.68, rng.uniform(0.25, 0.36))):
        base = table + rng.uniform(0.08, 0.14)
        slim = tall > 0.4
        radii = [0.09, 0.1, 0.095, 0.03, 0.03, 0.035] if slim else [0.06, 0.15, 0.15, 0.08, 0.1]
        heights = [0, 0.15, 0.55, 0.75, 0.97, 1] if slim else [0, 0.25, 0.6, 0.85, 1]
        body = lathe(1 - x if mirror else x, base, [tall * h for h in heights], radii)
        color = palette.near if slim else palette.far
        color = mix(color, palette.dark, rng.uniform(0, 0.3))
        shadow = ellipse(body[:, 0].mean() + 0.1, base, 0.2, 0.03)
        shapes.append(shape(shadow, mix(palette.near, palette.dark, 0.5)))
        shapes.append(shape(body, mix(color, palette.light, 0.2), color, relief=1))
        left = body[:, 0].mean() - 0.045
        shapes.append(shape(ellipse(left, base - 0.35 * tall, 0.01, 0.08), palette.light))
    for x in np.linspace(0.14, 0.86, int(rng.integers(4, 7))):
        y, radius = rng.uniform(table + 0.12, 0.88), rng.uniform(0.055, 0.095)
        shapes += _fruit(rng, palette, x + rng.normal(0, 0.03), y, radius)
    return shapes


def bouquet(rng: np.random.Generator, palette: Palette) -> list[Shape]:
    """Flowers in a vase."""
    table = rng.uniform(0.72, 0.8)
    shapes = _room(rng, palette, table)
    x = rng.uniform(0.42, 0.58)
    vase = lathe(x, 0.93, [0, 0.1, 0.22, 0.3, 0.34], [0.06, 0.13, 0.12, 0.06, 0.085])
    heads = np.stack([x + rng.normal(0, 0.19, 15), rng.uniform(0.12, 0.52, 15)], axis=1)
    for head in heads:
        path = np.array([[x, 0.62], (head + [x, 0.6]) / 2 + [0.02, -0.03], head])
        shapes.append(shape(ribbon(path, np.full(3, 0.009)), palette.near))
    for _ in range(26):
        start = np.array([x, 0.5]) + rng.normal(0, [0.16, 0.08])
        green = mix(palette.near, palette.middle, rng.random())
        long, wide = rng.uniform(0.08, 0.2), rng.uniform(0.03, 0.07)
        outline = leaf(*start, long, wide, rng.uniform(-3.6, 0.5))
        shapes.append(shape(outline, green, mix(green, palette.dark, 0.4), relief=0.3))
    shapes.append(shape(vase, mix(palette.far, palette.light, 0.3), palette.far, relief=1))
    petals = np.stack([palette.accent, palette.light, palette.haze, palette.accent])
    for head in heads:
        shapes += _flower(rng, head, vary(rng, petals[rng.integers(4)][None], hue=0.3)[0], palette)
    return shapes


def _flower(
    rng: np.random.Generator, head: np.ndarray, color: np.ndarray, palette: Palette
) -> list[Shape]:
    radius, petals = rng.uniform(0.045, 0.095), int(rng.integers(5, 12))
    shapes = []
    for ring, scale in ((0, 1.0), (1, 0.62)):
        tint = mix(color, palette.dark if ring else palette.light, 0.18)
        for turn in np.linspace(0, 2 * np.pi, petals, endpoint=False) + rng.uniform(0, 1):
            outline = leaf(*head, radius * scale, 0.55 * radius * scale, turn + ring * 0.3)
            shapes.append(shape(outline, vary(rng, tint[None])[0], mix(tint, palette.dark, 0.15)))
    heart = ellipse(*head, 0.26 * radius, 0.26 * radius)
    shapes.append(shape(heart, mix(palette.light, palette.dark, rng.choice([0.1, 0.8])), relief=1))
    return shapes


def sitter(rng: np.random.Generator, palette: Palette) -> list[Shape]:
    """Head and shoulders of an invented sitter, features drawn large and plain."""
    shapes = _room(rng, palette, 1.2)
    x, y = rng.uniform(0.44, 0.56), rng.uniform(0.37, 0.43)
    skin = mix(palette.haze, palette.accent, rng.uniform(0.1, 0.3))
    shade = mix(skin, palette.dark, 0.3)
    hair = mix(palette.dark, palette.accent, rng.uniform(0, 0.4))
    wide, tall = rng.uniform(0.15, 0.18), rng.uniform(0.22, 0.26)
    coat = palette.near if rng.random() < 0.5 else palette.accent
    back = blob(rng, x, y - 0.03, 1.32 * wide, wobble=0.08) * [1, 1.22] - [0, 0.22 * y - 0.01]
    shoulders = lathe(x, 1.02, [0, 0.2, 0.3, 0.34], [0.42, 0.36, 0.17, 0.09])
    neck = lathe(x, 0.76, [0, 0.1, 0.25], [0.1, 0.075, 0.08])
    shapes += [
        shape(back, hair, relief=0.4),
        shape(shoulders, coat, mix(coat, palette.dark, 0.4), relief=0.6),
        shape(neck, shade, skin),
        shape(ellipse(x, y, wide, tall), skin, mix(skin, palette.accent, 0.2), relief=0.7),
    ]
    collar = np.array([[x - 0.12, 0.7], [x, 0.82], [x + 0.12, 0.7], [x, 0.94]])
    shapes.append(shape(collar, palette.light, palette.haze))
    fringe = ellipse(x - 0.3 * wide, y - 0.78 * tall, 0.95 * wide, 0.4 * tall, angle=-0.3)
    shapes.append(shape(fringe, hair, relief=0.4))
    return shapes + _features(x, y, 0.45 * wide, shade, palette)


def _features(x: float, y: float, apart: float, shade: np.ndarray, palette: Palette) -> list[Shape]:
    """Nose, eyes, brows and lips of a face about (x, y)."""
    nose = np.array([[x, y - 0.06], [x + 0.045, y + 0.09], [x - 0.012, y + 0.1]])
    shapes = [shape(nose, shade)]
    for side in (-1, 1):
        eye_x, eye_y = x + side * apart, y - 0.05
        brow = np.array(
            [[eye_x - 0.045, eye_y - 0.035], [eye_x, eye_y - 0.055], [eye_x + 0.045, eye_y - 0.035]]
        )
        shapes += [
            shape(ellipse(eye_x, eye_y, 0.042, 0.02), palette.light),
            shape(ellipse(eye_x, eye_y, 0.017, 0.018), palette.dark),
            shape(ribbon(brow, np.array([0.004, 0.016, 0.004])), palette.dark),
        ]
    lips = np.array(
        [
            [x - 0.055, y + 0.145],
            [x - 0.015, y + 0.132],
            [x, y + 0.138],
            [x + 0.015, y + 0.132],
            [x + 0.055, y + 0.145],
            [x, y + 0.172],
        ]
    )
    shapes.append(shape(lips, mix(palette.accent, palette.dark, 0.2)))
    return shapes
