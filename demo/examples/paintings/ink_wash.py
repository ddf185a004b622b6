"""Ink on rice paper: wet washes, dry brush, splashes, and a vermilion seal."""

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from .arrays import Picture, Plane, Points
from .palette import from_hex
from .shapes import ellipse, full_mask, leaf, placed, rectangle, ridge_line, to_bottom
from .texture import blur, fibres, fractal_noise, paper, smoothstep, warp

_PAPERS = from_hex("efe8d8 f4f0e6 e8dcc2 ece9e0 e6e0cf")
_INKS = from_hex("14161a 1c1713 121a24 20171a")


def ink_wash(rng: np.random.Generator, size: int) -> Picture:
    motif = (_mountains, _bamboo, _blossom, _circle)[rng.integers(4)]
    ink, flowers = motif(rng, size)
    ink = np.maximum(ink, _splashes(rng, size))
    ink = _bleed(rng, ink)
    tooth = paper(rng, size)
    granular = 1 + 0.12 * tooth * smoothstep(0.02, 0.4, ink)
    sheet = _PAPERS[rng.integers(len(_PAPERS))] * np.ones((size, size, 1))
    clouds = 0.018 * fractal_noise(rng, size, 3) + 0.012 * tooth
    sheet = sheet * (1 + clouds - 0.05 * fibres(rng, size))[..., None]
    black = -np.log(_INKS[rng.integers(len(_INKS))])
    red = -np.log(np.array([0.74, 0.13, 0.1]))
    seal = _seal(rng, size) * (0.8 + 0.12 * tooth)
    density = (np.clip(ink * granular, 0, 1.1))[..., None] * black
    density = density + (np.maximum(0.75 * _bleed(rng, flowers), seal))[..., None] * red
    return np.clip(sheet * np.exp(-np.clip(density, 0, None)), 0, 1)


def _bleed(rng: np.random.Generator, ink: Plane) -> Plane:
    """Ink creeps along the fibres: feathered edges, a pale halo, a darker rim."""
    size = ink.shape[0]
    creep = 0.0013 * size
    down, across = (creep * fractal_noise(rng, size, 30, gain=0.6) for _ in range(2))
    feathered = warp(blur(ink, 0.0012 * size), down, across)
    halo = warp(blur(ink, 0.012 * size), 5 * down, 5 * across)
    rim = np.clip(feathered - blur(feathered, 0.006 * size), 0, 1)
    return np.clip(np.maximum(feathered, 0.32 * halo) + 0.35 * rim, 0, 1.2)


def _brushed(
    rng: np.random.Generator, size: int, path: Points, width: float, *, load: float, dry: float
) -> Plane:
    """One stroke of a soft brush; `dry` is how far the hairs part towards its end."""
    steps = 60
    t = np.linspace(0, 1, steps)
    knots = np.linspace(0, 1, len(path))
    line = np.stack([np.interp(t, knots, path[:, axis]) for axis in (0, 1)], axis=1)
    line = ndimage.gaussian_filter1d(line, 3, axis=0, mode="nearest") * size * 2
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    pressure = (0.7 + 0.3 * np.sin(np.pi * t**0.7)) * np.clip(8 * t + 0.5, 0, 1)
    sheet = Image.new("L", (size * 2, size * 2), 0)
    draw = ImageDraw.Draw(sheet)
    hairs = max(int(width * size * 0.9), 8)
    for place in rng.permutation(np.linspace(-0.5, 0.5, hairs)):
        hair = line + normal * (place * width * size * 2 * pressure)[:, None]
        wet = load * rng.uniform(0.75, 1.1) - 0.25 * load * abs(place)
        tone = wet * (1 - 0.45 * t) + rng.normal(0, 0.03)
        gaps = ndimage.gaussian_filter1d(rng.standard_normal(steps), 1.5) * 1.8 + 1.3
        inked = smoothstep(0, 0.9, gaps + 0.45 - dry * 3.2 * t**1.2 - 0.6 * dry * rng.random())
        for start in range(steps - 1):
            if inked[start] > 0.1:
                tint = int(np.clip(tone[start] * inked[start], 0, 1) * 255)
                draw.line(hair[start : start + 2].ravel().tolist(), fill=tint, width=4)
    return np.asarray(sheet.reduce(2), np.float32) / 255


def _mountains(rng: np.random.Generator, size: int) -> tuple[Plane, Plane]:
    """Ranges that rise from the mist, darker the nearer, a sun, a few birds."""
    rows = np.arange(size, dtype=np.float32)[:, None] / size
    ink = np.zeros((size, size), np.float32)
    count = int(rng.integers(3, 6))
    for level, load in zip(
        np.linspace(0.34, 0.86, count), np.linspace(0.16, 0.85, count), strict=True
    ):
        line = ridge_line(rng, level, rng.uniform(0.08, 0.2), roughness=0.62)
        mask = full_mask([to_bottom(line)], size)
        crest = np.interp(np.arange(size) / size, line[:, 0], line[:, 1])[None]
        depth = np.clip(rows - crest, 0, 1)
        mist = np.exp(-depth / rng.uniform(0.05, 0.16))
        creases = smoothstep(0.1, 1.6, fractal_noise(rng, size, 7, stretch=0.5, gain=0.7))
        wash = load * mist * (0.62 + 0.5 * creases) + 0.25 * load * np.exp(-depth / 0.008)
        ink = np.where(mask > 0.02, np.maximum(ink * (1 - 0.8 * mask), wash * mask), ink)
    sun = full_mask([ellipse(rng.uniform(0.2, 0.8), rng.uniform(0.14, 0.22), 0.07, 0.07)], size)
    for x, y in rng.normal([rng.uniform(0.3, 0.7), 0.25], [0.08, 0.04], (5, 2)):
        wing = np.array([[x - 0.02, y - 0.008], [x, y], [x + 0.02, y - 0.012]])
        ink = np.maximum(ink, _brushed(rng, size, wing, 0.006, load=0.85, dry=0))
    return ink, 0.8 * sun * (rng.random() < 0.6)


def _bamboo(rng: np.random.Generator, size: int) -> tuple[Plane, Plane]:
    """Jointed stalks, pale behind and dark in front, with bundles of pointed leaves."""
    ink = np.zeros((size, size), np.float32)
    for load in np.sort(rng.uniform(0.2, 0.75, rng.integers(3, 6))):
        x, lean = rng.uniform(0.12, 0.88), rng.normal(0, 0.05)
        width, joint = rng.uniform(0.018, 0.06), rng.uniform(0.14, 0.22)
        ink *= 0.93
        for base in np.arange(1.05, -0.1, -joint):
            foot, top = x + lean * (1 - base), x + lean * (1 - base + joint)
            path = np.array([[foot, base], [foot, base - joint / 2], [top, base - joint * 0.95]])
            ink = np.maximum(ink, _brushed(rng, size, path, width, load=load, dry=0.5))
            knot = np.array([[foot - width * 0.6, base], [foot + width * 0.6, base - 0.004]])
            ink = np.maximum(ink, _brushed(rng, size, knot, 0.009, load=load + 0.25, dry=0.2))
            if rng.random() < 0.5:
                dark = min(load + rng.uniform(0, 0.35), 1)
                blades = [
                    leaf(top, base - joint, rng.uniform(0.12, 0.26), rng.uniform(0.018, 0.036), a)
                    for a in rng.normal(rng.choice([0.7, 2.4]), 0.45, rng.integers(3, 7))
                ]
                ink = np.maximum(ink, dark * full_mask(blades, size))
    return ink, np.zeros_like(ink)


def _blossom(rng: np.random.Generator, size: int) -> tuple[Plane, Plane]:
    """A gnarled plum branch with red flowers."""
    ink, flowers = np.zeros((2, size, size), np.float32)
    side = rng.choice([-1, 1])

    def grow(start: Points, heading: float, width: float, length: float) -> None:
        nonlocal ink, flowers
        turns = heading + np.cumsum(rng.normal(0, 0.26, 6))
        steps = length / 6 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        path = np.concatenate([start[None], start + np.cumsum(steps, axis=0)])
        load = rng.uniform(0.65, 1)
        ink = np.maximum(ink, _brushed(rng, size, path, width, load=load, dry=0.55))
        for place in path[1:]:
            if width > 0.01 and rng.random() < (0.8 if width > 0.04 else 0.6):
                branch = heading + rng.choice([-1, 1]) * rng.uniform(0.5, 1.1)
                grow(place, branch, width * rng.uniform(0.3, 0.55), length * 0.55)
            if width < 0.03 and rng.random() < 0.5:
                center = place + rng.normal(0, 0.012, 2)
                flowers = np.maximum(flowers, _petals(rng, size, center))

    start = np.array([0.5 - side * 0.54, rng.uniform(0.35, 0.95)])
    aim = rng.normal([0.5, 0.42], 0.08) - start
    grow(start, float(np.arctan2(aim[1], aim[0])), rng.uniform(0.045, 0.075), 1.05)
    return ink, flowers


def _petals(rng: np.random.Generator, size: int, center: np.ndarray) -> Plane:
    radius = rng.uniform(0.012, 0.022)
    turns = np.linspace(0, 2 * np.pi, 5, endpoint=False) + rng.uniform(0, 1)
    petals = np.zeros((size, size), np.float32)
    for turn in turns:
        x, y = center + 0.8 * radius * np.array([np.cos(turn), np.sin(turn)])
        petal = full_mask([ellipse(x, y, radius * 0.72, radius * 0.6, angle=turn)], size)
        petals = np.maximum(petals, petal * rng.uniform(0.45, 1))
    return petals


def _circle(rng: np.random.Generator, size: int) -> tuple[Plane, Plane]:
    """One circle in one breath, over pale pools of wash."""
    turns = rng.uniform(0, 2 * np.pi) + np.linspace(0, rng.uniform(5.4, 6.5), 40)
    reach = rng.uniform(0.26, 0.34) * (1 + 0.06 * np.linspace(0, 1, 40) ** 2)
    path = 0.5 + reach[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    level = fractal_noise(rng, size, 2, gain=0.36)
    pools = smoothstep(0.85, 1.0, level) * (0.1 + 0.2 * np.exp(-(((level - 0.97) / 0.12) ** 2)))
    stroke = _brushed(rng, size, path, rng.uniform(0.06, 0.13), load=1, dry=0.85)
    return np.maximum(stroke, pools), np.zeros_like(stroke)


def _splashes(rng: np.random.Generator, size: int) -> Plane:
    """Flicked drops, large ones few."""
    center, count = rng.uniform(0.1, 0.9, 2), int(rng.integers(15, 90))
    spots = rng.normal(center, rng.uniform(0.08, 0.25), (count, 2))
    radii = 0.0011 / (rng.random(count) + 0.09)
    drops = [
        placed(ellipse(0, 0, r, r * rng.uniform(0.7, 1)), x, y, rng.uniform(0, 3))
        for (x, y), r in zip(spots, radii, strict=True)
    ]
    return full_mask(drops, size) * rng.uniform(0.35, 0.9)


def _seal(rng: np.random.Generator, size: int) -> Plane:
    """A carved square stamp: strokes left white, corners worn."""
    side = rng.uniform(0.06, 0.085)
    x, y = rng.choice([0.07, 0.93 - side]), rng.choice([0.07, 0.93 - side], p=[0.3, 0.7])
    stamp = full_mask([rectangle(x, y, x + side, y + side)], size)
    cuts = []
    for left, up in np.stack(np.meshgrid([0.12, 0.55], [0.12, 0.55]), axis=-1).reshape(-1, 2):
        for _ in range(4):
            a, b = rng.choice([0, 0.16, 0.33], 2)
            wide, tall = (0.33 - a, 0.055) if rng.random() < 0.5 else (0.055, 0.33 - b)
            cut = rectangle(left + a, up + b, left + a + wide, up + b + tall)
            cuts.append(np.clip(cut, 0.1, 0.9) * side + [x, y])
    worn = smoothstep(-1.9, -0.9, fractal_noise(rng, size, 45))
    return stamp * (1 - full_mask(cuts, size)) * worn
