"""Colour: palettes chosen by eye, and small changes that keep them in tune."""

from dataclasses import dataclass

import numpy as np

from .arrays import Color, Colors


@dataclass(frozen=True)
class Palette:
    """Eight colours by the part they play in a picture."""

    sky: Color
    haze: Color
    light: Color
    far: Color
    middle: Color
    near: Color
    accent: Color
    dark: Color

    def all(self) -> Colors:
        return np.stack(list(vars(self).values()))


# sky, haze, light, far, middle, near, accent, dark
_DAYS = (
    "7fb2d6 f3dfb4 fff1b8 8aa6b8 7c9a4e 4f6b34 d9542b 27312f",
    "5aa0c8 fbe6d0 ffffff 9db7a5 d9b44a 8b7a35 c8372d 2b2a3a",
    "e8a13c fbd98a fff4cf b9677a 8c3f5d 4a2545 e4572e 22162b",
    "f0c9a0 fbe9d7 fffaf0 c79a86 a8604c 7b3b32 2f7f86 2a1f23",
    "9fc9b8 eaf0d2 fff7c9 6fa08a 3f7d62 1f5445 f07c5a 12302d",
    "d8b4c8 f6dfe0 fff6e6 a58bb5 6f6fa8 3d4a80 f2b134 232446",
    "bfd0c4 efe7cf fdf6dd a6ab8a b98f4e 7a5a2f b23a2a 33281d",
    "66b7b0 f9e9b5 ffe066 f39c5a e4633f a8343d 2c6e8f 2b1b2e",
)
_NIGHTS = (
    "1d3f8a 6fa3d8 ffd84d 2f5c9e 3f7fa6 1f3a5c f2a516 0c1633",
    "14264f 3f6fb0 fff0a0 35507f 476b4f 1f3b33 e9b824 0a1020",
    "0f4c5c 4fb0a5 ffe8a3 2a6f77 3b7d5a 123f3a ee8a3c 07212b",
    "3b1f5b 8c5aa8 ffd27a 59397d 8a3f6c 3a1d4a 36b5c4 150b26",
    "20304a d98b5f ffe0a0 5a4a66 7a3f44 33253a f26b3a 0d0f1c",
)


def turn(
    colors: np.ndarray, *, hue: np.ndarray | float, chroma: np.ndarray | float = 1.0
) -> np.ndarray:
    """Turns hues by `hue` radians about the grey axis and scales the distance from grey."""
    grey = colors.mean(axis=-1, keepdims=True)
    chromatic = colors - grey
    crossed = np.roll(chromatic, 1, axis=-1) - np.roll(chromatic, -1, axis=-1)
    angle = np.asarray(hue)[..., None]
    turned = chromatic * np.cos(angle) + crossed * np.sin(angle) / np.sqrt(3)
    return np.clip(grey + turned * np.asarray(chroma)[..., None], 0, 1)


def vary(
    rng: np.random.Generator,
    colors: Colors,
    *,
    hue: float = 0.1,
    chroma: float = 0.15,
    value: float = 0.06,
) -> Colors:
    """Each colour a little different: hue in radians, chroma relative, value absolute."""
    count = colors.shape[:-1]
    turned = turn(colors, hue=rng.normal(0, hue, count), chroma=rng.normal(1, chroma, count))
    return np.clip(turned + rng.normal(0, value, count)[..., None], 0, 1)


def mix(first: np.ndarray, second: np.ndarray, amount: np.ndarray | float) -> np.ndarray:
    """From `first` (amount 0) to `second` (amount 1)."""
    return first + (second - first) * np.asarray(amount)[..., None]


def luminance(colors: np.ndarray) -> np.ndarray:
    """Rec. 601 luma."""
    return colors @ np.array([0.299, 0.587, 0.114])


def from_hex(words: str) -> Colors:
    """`"ff0000 00ff00"` as an array of colours."""
    return np.array([[int(w[i : i + 2], 16) / 255 for i in (0, 2, 4)] for w in words.split()])


def pick(rng: np.random.Generator, *, night: float = 0.3) -> Palette:
    """A palette of the lists above, hues turned: a little mostly, now and then a lot."""
    lines = _NIGHTS if rng.random() < night else _DAYS
    colors = from_hex(lines[rng.integers(len(lines))])
    angle = rng.normal(0, 0.08) if rng.random() < 0.7 else rng.uniform(-np.pi, np.pi)
    return Palette(*turn(colors, hue=angle, chroma=rng.uniform(0.85, 1.15)))
