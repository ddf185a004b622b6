"""A cheap colour print: screens of dots, flat inks out of register, a black key line."""

import numpy as np
from scipy import ndimage

from . import scenes
from .arrays import Color, Picture, Plane
from .palette import from_hex, luminance, pick, turn
from .texture import blur, fractal_noise, paper, smooth_noise, smoothstep

_PAPERS = from_hex("f6eedb fbf7ec efe2c4 f4f1ea")
_PROCESS = from_hex("00a3d9 e5177f ffe000 1c1a1e")
_SPOTS = (
    "0f6fc6 e8262d ffd21f 16151a",
    "00897b ff5c39 ffc845 1d1b2a",
    "2a2f8f ff3e8a fff04d 17122b",
    "1aa7a1 d81e5b f9d949 0f2230",
)


def halftone_pop(rng: np.random.Generator, size: int) -> Picture:
    fine = size * 2
    picture = _bold_picture(rng, fine)
    inks = _PROCESS if rng.random() < 0.4 else from_hex(_SPOTS[rng.integers(len(_SPOTS))])
    plates = _separations(picture.color)
    pitch = fine / rng.uniform(42, 95)
    sheet = _PAPERS[rng.integers(len(_PAPERS))] * np.ones((fine, fine, 1))
    sheet = sheet * (1 + 0.02 * paper(rng, fine, coarseness=2)[..., None])
    shifts = rng.normal(0, 0.003 * fine, (4, 2))
    for plate, ink, angle, shift in zip(plates, inks, (15, 75, 0, 45), shifts, strict=True):
        strayed = ndimage.shift(plate, shift, order=1, mode="nearest")
        sheet = _overprint(rng, sheet, _screen(strayed, pitch, np.deg2rad(angle)), ink)
    sheet = _overprint(rng, sheet, _key_line(rng, picture, fine), inks[3])
    return np.clip(sheet.reshape(size, 2, size, 2, 3).mean(axis=(1, 3)), 0, 1)


def _bold_picture(rng: np.random.Generator, size: int) -> scenes.Scene:
    """A scene in loud colours before a burst of rays."""
    scene = scenes.render(scenes.compose(rng, pick(rng, night=0.15)), size)
    color = turn(scene.color, hue=0.0, chroma=rng.uniform(1.9, 2.6))
    low, high = np.percentile(color, [3, 96])
    color = np.clip((color - low) / (high - low), 0, 1)
    if rng.random() < 0.65:
        line = (np.arange(size) + 0.5) / size
        x, y = rng.uniform(0.3, 0.7, 2)
        heading = np.arctan2(line[:, None] - y, line[None] - x)
        rays = np.sin(heading * rng.integers(8, 16)) > 0
        loud = rng.permutation(np.eye(3)[[0, 0, 1]] + [[0.0, 0.1, 0.1], [0, 0.8, 0.1], [1, 1, 1]])
        burst = np.where(rays[..., None], np.clip(loud[0], 0, 1), np.clip(loud[1], 0, 1))
        behind = (scene.labels == 0)[..., None]
        color = np.where(behind, 0.25 * color + 0.75 * burst, color)
    steps = int(rng.integers(4, 7))
    tones = np.round(blur(color, 0.002 * size) * steps) / steps
    return scenes.Scene(tones, scene.labels, scene.height)


def _separations(color: Picture) -> list[Plane]:
    """Cyan, magenta, yellow and black plates with the grey mostly moved to black."""
    cmy = 1 - color
    black = np.clip(cmy.min(axis=2) * 1.25 - 0.35, 0, 1)
    rest = np.clip((cmy - 0.8 * black[..., None]) / (1.001 - 0.8 * black[..., None]), 0, 1)
    return [rest[..., 0], rest[..., 1], rest[..., 2], black]


def _screen(plate: Plane, pitch: float, angle: float) -> Plane:
    """Dots that grow with the tone and join above a half; solid and bare at the ends."""
    size = plate.shape[0]
    rows, columns = np.indices((size, size), dtype=np.float32) * (2 * np.pi / pitch)
    c, s = np.cos(angle), np.sin(angle)
    cell = np.cos(c * columns + s * rows) + np.cos(c * rows - s * columns)
    threshold = np.interp(cell, *_cell_quantiles())
    soft = 1.6 / pitch
    tone = np.clip((plate - 0.06) / 0.86, 0, 1) * (1 + 2 * soft) - soft
    return smoothstep(-soft, soft, tone - threshold)


def _cell_quantiles() -> tuple[np.ndarray, np.ndarray]:
    """Heights of the cosine cell and the ink coverage left above each of them."""
    line = np.cos(np.linspace(0, 2 * np.pi, 128, endpoint=False))
    heights = np.sort((line[:, None] + line[None]).ravel())[::64]
    return heights, np.linspace(1, 0, len(heights))


def _overprint(rng: np.random.Generator, sheet: Picture, cover: Plane, ink: Color) -> Picture:
    """Transparent ink, a little starved here and there."""
    size = cover.shape[0]
    starved = 0.94 - 0.05 * np.clip(fractal_noise(rng, size, 60), -1, 2)
    return sheet * (1 - (cover * starved)[..., None] * (1 - ink))


def _key_line(rng: np.random.Generator, picture: scenes.Scene, size: int) -> Plane:
    """Contours drawn with a brush that swells."""
    areas = np.bincount(picture.labels.ravel())
    drawn = picture.labels * (areas[picture.labels] > 0.0008 * size * size)
    away = ndimage.distance_transform_edt(~scenes.edges(drawn))
    shade = 1.5 - luminance(blur(picture.color, 0.01 * size))
    width = size * 0.0032 * shade * (1 + 0.7 * smooth_noise(rng, size, (7, 7)))
    return smoothstep(width + 1, width - 1, away)
