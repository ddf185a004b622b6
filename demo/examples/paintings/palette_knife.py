"""Slabs of half-mixed paint pressed on with a knife."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from . import scenes
from .arrays import Color, Colors, Picture, Plane
from .brush import contour_angle, sample, scatter
from .palette import from_hex, mix, pick, turn, vary
from .texture import blur, canvas_weave, fractal_noise, light, shaded, smoothstep

_LOUD = (
    "0b2a4a 1f6f9f f2a33a e4572e f7efe2 7c1f3a 16302b",
    "f4efe6 222426 d62828 f6bd2f 3a86b7 8a817c 5f0f40",
    "123524 3e7b4f e9d8a6 ee9b00 bb3e03 005f73 f8f4ec",
    "2b2d42 8d99ae edf2f4 ef233c ffb703 5e548e 118ab2",
)


def palette_knife(rng: np.random.Generator, size: int) -> Picture:
    reference, angle = _motif(rng, size)
    knife = _Knife(rng, mix(reference, np.full(3, 0.5), 0.2))
    scale = rng.uniform(0.75, 1.3) * size
    detail = smoothstep(0.02, 0.12, np.abs(reference - blur(reference, 0.02 * size)).mean(axis=2))
    for long, wide, spacing in (
        (0.27, 0.13, 0.085),
        (0.19, 0.085, 0.075),
        (0.12, 0.05, 0.05),
        (0.07, 0.03, 0.036),
    ):
        for spot in scatter(rng, size, spacing * scale):
            if wide < 0.06 and rng.random() > sample(detail, spot[None])[0] + 0.12:
                continue
            turn_by = sample(angle, spot[None])[0] + rng.normal(0, 0.3)
            beside = spot + rng.normal(0, 0.03 * size, 2)
            pair = sample(reference, np.stack([spot, beside]))
            colors = vary(rng, pair, hue=0.12, chroma=0.2, value=0.06)
            shape = np.array([long, wide]) * scale * rng.uniform(0.55, 1.2, 2)
            knife.pull(_Slab(spot, turn_by, shape, colors))
    relief = light(blur(knife.height, 0.6 * size / 512), 0.42)
    return np.clip(shaded(knife.picture, relief), 0, 1)


def _motif(rng: np.random.Generator, size: int) -> tuple[Picture, Plane]:
    """What is painted and which way the knife goes: a scene, or bands of loud colour."""
    if rng.random() < 0.6:
        scene = scenes.render(scenes.compose(rng, pick(rng, night=0.35)), size)
        color = turn(scene.color, hue=0.0, chroma=rng.uniform(1.2, 1.6))
        angle, sure = contour_angle(scene.color, 0.02 * size)
        return color, angle * (sure > 0.12)
    colors: list[Color] = list(rng.permutation(from_hex(_LOUD[rng.integers(len(_LOUD))])))
    lean = rng.uniform(0, np.pi)
    rows, columns = np.indices((size, size), dtype=np.float32) / size
    across = rows * np.cos(lean) - columns * np.sin(lean)
    field = across * rng.uniform(1, 3) + 0.35 * fractal_noise(rng, size, 2, gain=0.3)
    field = np.argsort(np.argsort(field.ravel())).reshape(size, size) / size**2 * len(colors)
    flat = np.stack(colors)[np.clip(field.astype(int), 0, len(colors) - 1)]
    return flat, np.full((size, size), lean) + 0.25 * fractal_noise(rng, size, 2, gain=0.3)


@dataclass(frozen=True)
class _Slab:
    """One pull of the knife: `shape` is its length and width in pixels."""

    spot: np.ndarray
    angle: float
    shape: np.ndarray
    colors: Colors


class _Knife:
    """Paint on a canvas: its colour, how thick it stands, and the streaks of half-mixed paint."""

    def __init__(self, rng: np.random.Generator, ground: Picture) -> None:
        self.rng, self.size = rng, ground.shape[0]
        self.picture = ground.astype(np.float32)
        self.height = 0.4 * canvas_weave(rng, self.size)
        grain = rng.standard_normal((96, 512)).astype(np.float32)
        streaks = ndimage.gaussian_filter(grain, (0.7, 22), mode="wrap")
        self.streaks = streaks / streaks.std()

    def pull(self, slab: _Slab) -> None:
        """Two colours in streaks, ridges at the rim, a ragged far end."""
        long, wide = slab.shape / 2
        place, u, v = self._frame(slab, long, wide)
        if not u.size:
            return
        streak = self._streak(u * long, v * wide)
        ragged = np.clip(u, 0, 1) * (0.1 + 0.16 * streak)
        edge = np.minimum((1 - np.abs(u) - ragged) * long, (1 - np.abs(v) - 0.03 * streak) * wide)
        cover = smoothstep(-0.5, 0.9, edge)
        blend = smoothstep(-0.7, 0.7, v * self.rng.choice([-1.0, 1.0]) + 0.5 * streak)
        tint = mix(slab.colors[0], slab.colors[1], 0.8 * blend) + (0.022 * streak)[..., None]
        self.picture[place] = mix(self.picture[place], tint, cover)
        ridge = 2.6 * np.exp(-np.abs(edge) / 1.6) + 0.16 * streak + 1.5 * np.clip(u, 0, 1) ** 3
        old = self.height[place]
        self.height[place] = old * (1 - cover) + (ridge + 0.15 * old + 0.8) * cover

    def _frame(
        self, slab: _Slab, long: float, wide: float
    ) -> tuple[tuple[slice, slice], Plane, Plane]:
        """Where the slab lies, and coordinates along and across it from -1 to 1."""
        c, s = np.cos(slab.angle), np.sin(slab.angle)
        reach = np.array([abs(c) * long + abs(s) * wide, abs(s) * long + abs(c) * wide]) + 2
        x0, y0 = np.clip(slab.spot - reach, 0, self.size).astype(int)
        x1, y1 = np.clip(slab.spot + reach + 1, 0, self.size).astype(int)
        rows, columns = np.ogrid[y0:y1, x0:x1]
        right, down = columns - slab.spot[0], rows - slab.spot[1]
        place = (slice(y0, y1), slice(x0, x1))
        return place, (right * c + down * s) / long, (down * c - right * s) / wide

    def _streak(self, along: Plane, across: Plane) -> Plane:
        row = across * 0.45 * 512 / self.size + self.rng.integers(20, 76)
        column = along * 512 / self.size + self.rng.integers(60, 440)
        return ndimage.map_coordinates(self.streaks, [row, column], order=1, mode="wrap")
