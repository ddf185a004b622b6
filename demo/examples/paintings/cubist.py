"""Analytic facets: one motif seen from many sides, planes fading into each other."""

import numpy as np

from . import scenes
from .arrays import Color, Picture, Plane
from .brush import OilCanvas, Strokes, follow, sample, scatter
from .palette import from_hex, luminance, mix, pick, turn, vary
from .texture import canvas_weave, fractal_noise, smoothstep

_EARTHS = (
    "efe3c4 c9a870 8d6b3f 5b5a4a 2c2620 7f8f8c",
    "e8e4d8 b9b7a2 8a7f67 4f5b5c 22252b b5793f",
    "f2d9b5 d08c52 93492e 4b3a35 1f1c22 51717d",
    "dfe5e2 9db4b5 5e7f8c 38495c 1c2030 c98b5a",
)


def cubist(rng: np.random.Generator, size: int) -> Picture:
    kinds = (scenes.sitter, scenes.still_life, scenes.bouquet, scenes.town)
    palette = pick(rng, night=0.2)
    scene = scenes.render(scenes.compose(rng, palette, kinds), size)
    vivid = rng.random() < 0.4
    base = scene.color if vivid else _earthen(rng, scene)
    dark = palette.dark if vivid else np.array([0.13, 0.11, 0.1])
    facets = _Facets(rng, base, dark)
    canvas = OilCanvas(facets.picture)
    starts = scatter(rng, size, 0.0095 * size)
    widths = size * rng.uniform(0.007, 0.013, len(starts))
    paths = follow(facets.tilt, starts, widths * rng.uniform(1.3, 2.4, len(starts)), steps=5)
    colors = vary(rng, sample(facets.picture, starts), hue=0.09, chroma=0.12, value=0.045)
    canvas.lay(rng, Strokes(paths, widths, colors), bristles=6, streak=0.035)
    dry = canvas.finish(impasto=0.2, weave=0.5 * canvas_weave(rng, size))
    broken = smoothstep(-1.4, 0.2, fractal_noise(rng, size, 9))
    softened = mix(dry, facets.picture, 0.42)
    return np.clip(mix(softened, dark, 0.9 * facets.lines * broken), 0, 1)


def _earthen(rng: np.random.Generator, scene: scenes.Scene) -> Picture:
    """The scene in five or six earths by its tone."""
    earths = from_hex(_EARTHS[rng.integers(len(_EARTHS))])
    ramp = earths[:5][np.argsort(luminance(earths[:5]))]
    tone = luminance(scene.color)
    low, high = np.percentile(tone, [2, 98])
    tone = np.clip((tone - low) / (high - low + 1e-6), 0, 1)
    marks = np.linspace(0, 1, 5)
    picture = np.stack([np.interp(tone, marks, ramp[:, band]) for band in range(3)], axis=-1)
    tinted = turn(scene.color, hue=0.0, chroma=0.8)
    picture = mix(picture, tinted, 0.22)
    cool = rng.random(scene.labels.max() + 1)[scene.labels] < 0.13
    return mix(picture, earths[5], 0.55 * cool)


class _Facets:
    """Overlapping planes, each a shifted view of the motif that is shaded from one edge.

    `tilt` is the direction to brush every plane in, `lines` are the drawn edges.
    """

    def __init__(self, rng: np.random.Generator, base: Picture, dark: Color) -> None:
        size = base.shape[0]
        self.rng, self.size, self.base, self.dark = rng, size, base, dark
        self.rows, self.columns = np.indices((size, size), dtype=np.float32) / size
        self.picture, self.tilt = base.astype(np.float64), np.full((size, size), 0.6)
        self.lines = np.zeros((size, size), np.float32)
        leaning = rng.uniform(-0.5, 0.5, 3)
        count = int(rng.integers(36, 56))
        for index in range(count):
            lean = leaning[rng.integers(3)] + rng.normal(0, 0.16)
            self._lay(lean, rng.uniform(0.12, 0.42) * (1.2 - 0.7 * index / count))
        for _ in range(int(rng.integers(5, 12))):
            line = _scaffold(rng, self.rows, self.columns, rng.choice(leaning))
            self.lines = np.maximum(self.lines, line)

    def _lay(self, lean: float, reach: float) -> None:
        """One plane. It is firm along one edge and melts away at the other: passage."""
        rng, size = self.rng, self.size
        place, u, v = self._frame(lean + rng.choice([0, np.pi / 2]), reach)
        inside = _plane(rng, u, v, reach)
        ramp = np.clip((u + reach) / (2 * reach), 0, 1)
        melt = smoothstep(1.02, rng.uniform(0.3, 0.8), ramp)
        firm = smoothstep(-0.8 / size, 0.8 / size, inside) * melt
        (jump_y, jump_x), (bend_y, bend_x) = rng.normal(0, 0.08, 2), rng.normal(0, 0.06, 2)
        down, across = self.rows[place], self.columns[place]
        view = _seen(self.base, down + jump_y + bend_y * v, across + jump_x + bend_x * u)
        edge_tone = np.full(3, 0.95) if rng.random() < 0.5 else self.dark
        toned = mix(view, edge_tone, rng.uniform(0.35, 0.8) * (1 - ramp) ** 1.4)
        self.picture[place] = mix(self.picture[place], toned, firm)
        brushed = lean + rng.choice([0, np.pi / 2])
        self.tilt[place] = np.where(firm > 0.5, brushed, self.tilt[place])
        drawn = np.exp(-((inside * 512 / 1.4) ** 2)) * smoothstep(0.95, 0.6, ramp)
        drawn = drawn * rng.uniform(0.35, 1)
        self.lines[place] = np.maximum(self.lines[place] * (1 - 0.85 * firm), drawn)

    def _frame(self, angle: float, reach: float) -> tuple[tuple[slice, slice], Plane, Plane]:
        """Somewhere in the picture: the place, and coordinates along and across the plane."""
        x, y = self.rng.uniform(0.02, 0.98, 2)
        low, high = (
            (np.clip([y + d, x + d], 0, 1) * self.size).astype(int)
            for d in (-1.9 * reach, 1.9 * reach)
        )
        place = (slice(low[0], high[0]), slice(low[1], high[1]))
        right, down = self.columns[place] - x, self.rows[place] - y
        c, s = np.cos(angle), np.sin(angle)
        return place, right * c + down * s, down * c - right * s


def _scaffold(rng: np.random.Generator, rows: Plane, columns: Plane, lean: float) -> Plane:
    """A long straight construction line that comes and goes."""
    angle = lean + rng.choice([0, np.pi / 2]) + rng.normal(0, 0.1)
    x, y = rng.uniform(0.1, 0.9, 2)
    aside = (rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)
    along = (rows - y) * np.sin(angle) + (columns - x) * np.cos(angle)
    fade = np.exp(-((along / rng.uniform(0.15, 0.45)) ** 4))
    return np.exp(-((aside * 512 / 1.2) ** 2)) * fade * rng.uniform(0.4, 0.9)


def _seen(picture: Picture, down: Plane, across: Plane) -> Picture:
    """The picture at the given places of the unit square."""
    size = picture.shape[0]
    row, column = (np.clip(m * size, 0, size - 1).astype(int) for m in (down, across))
    return picture[row, column]


def _plane(rng: np.random.Generator, u: Plane, v: Plane, reach: float) -> Plane:
    """Depth inside a slanted board or, now and then, a disc or arc; negative outside."""
    if rng.random() < 0.25:
        return 0.7 * reach - np.hypot(u, v * 1.15)
    narrow = reach * rng.uniform(0.35, 0.85)
    return np.minimum(reach - np.abs(u), narrow - np.abs(v + rng.normal(0, 0.45) * u))
