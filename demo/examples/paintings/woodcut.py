"""The printing of a woodcut: blocks inked flat, wood grain, and the key block last."""

import numpy as np

from .arrays import Color, Picture, Plane
from .palette import mix
from .texture import blur, fibres, fractal_noise, light, paper, smooth_noise, smoothstep, warp


class Woodcut:
    """The sheet under successive blocks; every block is one colour and a mask."""

    def __init__(self, rng: np.random.Generator, size: int, ground: Color) -> None:
        self.rng, self.size = rng, size
        self.grain = wood_grain(rng, size)
        self.tooth = paper(rng, size)
        tone = 1 + 0.012 * self.tooth + 0.015 * fractal_noise(rng, size, 3)
        self.sheet = ground * (tone - 0.05 * fibres(rng, size))[..., None]
        self.key = np.zeros((size, size), np.float32)

    def block(self, mask: Plane, color: Color, *, outlined: bool = True) -> None:
        """Prints over what is there; where `outlined`, the key block gets its contour."""
        shift = self.rng.normal(0, 0.0014 * self.size, 2)
        rolled = warp(mask, np.full_like(mask, shift[0]), np.full_like(mask, shift[1]))
        speckle = smoothstep(2.3, 3.2, self.tooth + 0.8 * self.grain)
        cover = rolled * (0.95 + 0.05 * self.grain) * (1 - 0.4 * speckle)
        inked = color * (1 + 0.045 * self.grain + 0.015 * self.tooth)[..., None]
        self.sheet = mix(self.sheet, np.clip(inked, 0, 1), np.clip(cover, 0, 1))
        self.key *= 1 - mask
        if outlined:
            self.line(np.abs(np.gradient(blur(mask, 0.6))).sum(axis=0) * 1.9)

    def line(self, strength: Plane) -> None:
        self.key = np.maximum(self.key, np.clip(strength, 0, 1))

    def finish(self, color: Color) -> Picture:
        swell = blur(self.key, 0.0011 * self.size)
        wave = 0.1 * smooth_noise(self.rng, self.size, (11, 11))
        cut = smoothstep(0.2, 0.42, swell + wave * (swell > 0.05)) * (0.95 - 0.05 * self.grain)
        pressed = light(blur(cut, 1) * -1.0 + 0.12 * self.tooth, 0.25)
        return np.clip(mix(self.sheet, color, cut) * pressed[..., None], 0, 1)


def wood_grain(rng: np.random.Generator, size: int) -> Plane:
    """Year rings cut along the plank, round a knot or two; about -1 to 1."""
    rows, columns = np.indices((size, size), dtype=np.float32) / size
    field = rows + 0.05 * smooth_noise(rng, size, (3, 1.2)) + 0.01 * smooth_noise(rng, size, (9, 3))
    for x, y in rng.uniform(0, 1, (2, 2)):
        away = np.hypot((columns - x) / 2.4, rows - y)
        field = field + 0.04 * np.exp(-away / 0.06) * np.sign(rows - y)
    rings = np.sin(2 * np.pi * rng.uniform(40, 60) * field) * 0.7
    return rings + 0.5 * fractal_noise(rng, size, size / 8, stretch=12)
