"""Coloured glass in lead, lit from behind."""

import numpy as np
from scipy import ndimage
from scipy.spatial import KDTree

from . import scenes
from .arrays import Colors, Labels, Picture, Plane
from .brush import scatter
from .palette import mix, pick, turn, vary
from .texture import blur, fractal_noise, light, shaded, smoothstep


def stained_glass(rng: np.random.Generator, size: int) -> Picture:
    palette = pick(rng, night=0.3)
    glasses = np.stack(list(vars(palette).values()))[:7]
    if rng.random() < 0.3:
        panes, colors = _rose(rng, size, glasses)
    else:
        panes, colors = _leaded_scene(rng, size)
    colors = turn(vary(rng, colors, hue=0.12, value=0.08), hue=0.0, chroma=1.55)
    border = scenes.edges(panes)
    away = ndimage.distance_transform_edt(~border)
    lead = size * rng.uniform(0.0035, 0.0065)
    streaks = _streaks(rng, size, panes)
    glow = 1.06 - 0.3 * smoothstep(0.2, 0.95, _from_center(size))
    glass = colors[panes] * (glow * (1 + 0.13 * streaks))[..., None]
    halo = np.exp(-away / (0.016 * size))
    glass = glass * (1 - 0.35 * halo[..., None]) + 0.05
    hammered = blur(rng.standard_normal((size, size)), 1.3)
    glass = shaded(np.clip(glass, 0, 1), light(hammered / hammered.std(), 0.09))
    came = smoothstep(lead + 0.7, lead - 0.7, away)
    profile = np.sqrt(np.clip(1 - (away / (lead + 0.5)) ** 2, 0, 1)) * lead
    metal = np.clip(0.11 * light(blur(profile, 0.8), 1.4)[..., None] ** 3, 0, 1) * [0.95, 1, 1.1]
    return np.clip(mix(glass, metal, came), 0, 1)


def _from_center(size: int) -> Plane:
    line = (np.arange(size) + 0.5) / size - 0.5
    return np.hypot(line[:, None], line[None]) * 2 / np.sqrt(2)


def _streaks(rng: np.random.Generator, size: int, panes: Labels) -> Plane:
    """Each pane was cut from another part, and in another direction, of a streaky sheet."""
    sheets = np.stack(
        [
            fractal_noise(rng, size, 5, stretch=4),
            fractal_noise(rng, size, 5, stretch=4).T,
            fractal_noise(rng, size, 9),
        ]
    )
    kind = rng.integers(0, 3, panes.max() + 1)[panes]
    return np.take_along_axis(sheets, kind[None], axis=0)[0]


def _leaded_scene(rng: np.random.Generator, size: int) -> tuple[Labels, Colors]:
    """A scene whose parts are cut into panes of a size that glass can be cut to."""
    scene = scenes.render(scenes.compose(rng, pick(rng, night=0.4)), size)
    spots = scatter(rng, size, size * rng.uniform(0.075, 0.14))
    rows, columns = np.indices((size, size))
    bend = 0.02 * size * fractal_noise(rng, size, 3, gain=0.2)
    pixels = np.stack([columns + bend, rows - bend], axis=-1).reshape(-1, 2)
    cells = KDTree(spots).query(pixels)[1].reshape(size, size)
    both = scene.labels.astype(np.int64) * len(spots) + cells
    parts = np.unique(both, return_inverse=True)[1].reshape(size, size)
    areas = np.bincount(parts.ravel())
    tiny = areas[parts] < 0.0011 * size * size
    nearest = ndimage.distance_transform_edt(tiny, return_distances=False, return_indices=True)
    parts = np.unique(parts[tuple(nearest)], return_inverse=True)[1].reshape(size, size)
    areas = np.bincount(parts.ravel())
    means = [np.bincount(parts.ravel(), scene.color[..., b].ravel()) / areas for b in range(3)]
    return parts, np.stack(means, axis=1)


def _rose(rng: np.random.Generator, size: int, glasses: Colors) -> tuple[Labels, Colors]:
    """A rose window: rings of petals about a centre, in a field of quarries."""
    line = (np.arange(size) + 0.5) / size - 0.5
    x, y = np.meshgrid(line, line)
    radius, heading = np.hypot(x, y), np.arctan2(y, x) + rng.uniform(0, 1)
    petals = int(rng.choice([6, 8, 10, 12]))
    rings = np.sort(np.append(rng.uniform(0.1, 0.42, 4), [0.06, 0.47]))
    panes, colors = np.zeros((size, size), np.int64), []
    inner = 0.0
    for ring, outer in enumerate(rings):
        count = petals * (2 if ring > 2 else 1) if ring else 1
        sector = heading * count / (2 * np.pi) + 0.5 * (ring % 2)
        index = np.floor(sector).astype(int) % count
        lobe = outer - 0.3 * (outer - inner) * np.abs(2 * (sector % 1) - 1) ** 2 * (count > 1)
        pair = glasses[rng.choice(len(glasses), 2, replace=False)]
        inside = (radius >= inner) & (radius < outer)
        petal = inside & (radius < lobe)
        start = len(colors)
        panes[inside] = start + count
        panes[petal] = start + index[petal]
        colors += [pair[i % 2 if count > 1 else 0] for i in range(count)]
        colors.append(glasses[rng.integers(len(glasses))])
        inner = outer
    quarry = np.floor((x + y) * 9).astype(int) * 40 + np.floor((x - y) * 9).astype(int)
    outside = radius >= rings[-1]
    numbers = np.unique(quarry[outside], return_inverse=True)[1]
    panes[outside] = len(colors) + numbers
    field = glasses[rng.integers(len(glasses), size=3)]
    colors += [field[i % 3] for i in range(int(numbers.max()) + 1)]
    return panes, np.array(colors)
