"""Transparent washes with dark rims, blooms and granulation over a pencil sketch."""

import numpy as np
from scipy import ndimage

from . import scenes
from .arrays import Picture, Plane
from .palette import mix, pick, turn
from .shapes import Shape, stencil
from .texture import blur, fractal_noise, light, paper, smooth_noise, smoothstep, warp


def watercolour(rng: np.random.Generator, size: int) -> Picture:
    palette = pick(rng, night=0.12)
    shapes = scenes.compose(rng, palette)
    tooth = paper(rng, size, coarseness=1.2 * size / 512)
    clouds = [fractal_noise(rng, size, cells, gain=0.6) for cells in (3, 7, 16)]
    density = np.zeros((size, size, 3), np.float32)
    for item in shapes:
        _glaze(rng, density, item, clouds)
    density = _blooms(rng, density, clouds[1])
    density += _spatter(rng, size, palette.accent)
    density *= (1 + 0.16 * np.clip(tooth, -1.5, 2.5) * smoothstep(0.05, 0.6, density.mean(axis=2)))[
        ..., None
    ]
    white = np.array([0.985, 0.972, 0.945])
    sheet = white * light(tooth, 0.07)[..., None] * np.exp(-rng.uniform(0.95, 1.25) * density)
    sketch = _pencil(rng, scenes.render(shapes, size).labels, tooth)
    faded = mix(sheet, np.array([0.28, 0.27, 0.29]), 0.5 * sketch)
    return np.clip(mix(faded, white, _bare_margin(rng, size)), 0, 1)


def _glaze(rng: np.random.Generator, density: Picture, item: Shape, clouds: list[Plane]) -> None:
    """Lays one wash over (and partly lifts) what is there."""
    size = density.shape[0]
    pad = max(3, int(0.035 * size))
    place, mask = stencil(item.outline, size, margin=pad)
    if not (mask > 0.5).any():
        return
    inside = np.pad(mask > 0.5, pad, mode="edge")
    depth = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
    depth = depth[pad:-pad, pad:-pad]
    broad, medium, fine = (_flipped(rng, cloud)[place] for cloud in clouds)
    ragged = depth + size * (0.004 * medium + 0.0022 * fine)
    wet = rng.random() < 0.25 and (mask > 0.5).sum() > (0.09 * size) ** 2
    soft = size * (0.02 if wet else 0.0022)
    cover = smoothstep(-soft, soft, ragged - 0.002 * size)
    rim = 0.0 if wet else 0.75 * np.exp(-((ragged / (0.0065 * size)) ** 2))
    fade = np.linspace(0, 1, mask.shape[0])[:, None] + 0.25 * broad
    pigment = mix(item.color, item.low_color, np.clip(fade, 0, 1))
    pigment = turn(pigment, hue=0.16 * medium, chroma=1.35)
    absorbed = -np.log(np.clip(pigment, 0.05, 0.985))
    strength = np.clip(0.88 + 0.17 * broad + 0.12 * medium + rim, 0.2, 1.9) * cover
    kept = 1 - cover * (0.9 if not wet else 0.7)
    density[place] = density[place] * kept[..., None] + absorbed * strength[..., None]


def _flipped(rng: np.random.Generator, cloud: Plane) -> Plane:
    """Another view of the same noise, so that washes do not share their clouds."""
    turned = np.rot90(cloud, int(rng.integers(4)))
    return turned.T if rng.random() < 0.5 else turned


def _blooms(rng: np.random.Generator, density: Picture, cloud: Plane) -> Picture:
    """Drops of clean water that push the pigment into feathery rings."""
    size = density.shape[0]
    rows, columns = np.indices((size, size), dtype=np.float32) / size
    feather = warp(cloud, 8 * cloud, 8 * cloud)
    for _ in range(int(rng.integers(3, 9))):
        x, y, radius = *rng.uniform(0, 1, 2), rng.uniform(0.03, 0.13)
        away = np.hypot(columns - x, rows - y) / radius + 0.3 * feather
        washed = smoothstep(1.0, 0.55, away) * 0.5
        ring = 0.42 * np.exp(-(((away - 1.0) / 0.07) ** 2))
        density = density * (1 - washed + ring)[..., None]
    # Water carries some of the colour over its edges everywhere.
    run = 0.012 * size
    drift = smooth_noise(rng, size, (9, 9)), smooth_noise(rng, size, (9, 9))
    carried = warp(blur(density, 0.006 * size), run * drift[0], run * drift[1])
    return 0.8 * density + 0.2 * carried


def _spatter(rng: np.random.Generator, size: int, color: np.ndarray) -> Picture:
    drops = np.zeros((size, size), np.float32)
    for x, y in rng.normal(rng.uniform(0.2, 0.8, 2), 0.22, (int(rng.integers(10, 50)), 2)):
        radius = 0.0018 / (rng.random() + 0.12)
        rows, columns = np.ogrid[:size, :size]
        if 0 < x < 1 and 0 < y < 1:
            near = np.hypot(columns / size - x, rows / size - y) / radius
            drops = np.maximum(drops, smoothstep(1, 0.8, near) * (0.4 + 0.5 * near))
    return -np.log(np.clip(color, 0.05, 0.98)) * drops[..., None]


def _pencil(rng: np.random.Generator, labels: np.ndarray, tooth: Plane) -> Plane:
    """The sketch beneath: broken grey contours, slightly beside the washes."""
    size = labels.shape[0]
    line = blur(scenes.edges(labels).astype(np.float32), 0.8)
    shift = 0.006 * size
    down, across = (shift * smooth_noise(rng, size, (4, 4)) for _ in range(2))
    moved = warp(line, down, across)
    pressure = smoothstep(-0.5, 0.8, fractal_noise(rng, size, 6))
    return np.clip(moved * 1.6, 0, 1) * pressure * smoothstep(-1.2, 0.8, tooth)


def _bare_margin(rng: np.random.Generator, size: int) -> Plane:
    """How bare the sheet is: washes stop short of its edges in a ragged line."""
    line = (np.arange(size) + 0.5) / size
    near = np.minimum(np.minimum(line, 1 - line)[:, None], np.minimum(line, 1 - line)[None])
    edge = near + 0.007 * fractal_noise(rng, size, 7)
    width = rng.choice([-0.1, 0.02, 0.035])
    return smoothstep(width + 0.004, width - 0.004, edge)
