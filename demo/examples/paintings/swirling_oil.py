"""Thick oil paint in swirls: curved impasto strokes that follow a turbulent flow."""

import numpy as np

from . import scenes
from .arrays import Picture, Plane
from .brush import OilCanvas, Strokes, contour_angle, follow, sample, scatter
from .palette import Palette, mix, pick, turn, vary
from .texture import canvas_weave, fractal_noise


def swirling_oil(rng: np.random.Generator, size: int) -> Picture:
    palette = pick(rng, night=0.65)
    kinds = scenes.OUTDOORS if rng.random() < 0.75 else scenes.ANYWHERE
    scene = scenes.render(scenes.compose(rng, palette, kinds), size)
    sky = np.isin(scene.labels, np.unique(scene.labels)[:1])
    angle, reference = _swirls(rng, scene.color, sky, palette)
    reference = turn(reference, hue=0.0, chroma=1.25)
    canvas = OilCanvas(mix(reference, palette.dark, 0.3))
    scale = size * rng.uniform(0.75, 1.35)
    for width, spacing, bristles in ((0.03, 0.026, 11), (0.017, 0.0135, 8), (0.01, 0.011, 5)):
        starts = scatter(rng, size, spacing * scale)
        if width < 0.01:
            starts = starts[rng.random(len(starts)) < 0.5]
        widths = width * scale * rng.uniform(0.6, 1.25, len(starts))
        paths = follow(angle, starts, widths * rng.uniform(4, 7.5, len(starts)))
        colors = vary(rng, sample(reference, starts), hue=0.24, chroma=0.25, value=0.085)
        canvas.lay(rng, Strokes(paths, widths, colors), bristles=bristles)
    return canvas.finish(impasto=0.5, weave=0.25 * canvas_weave(rng, size))


def _swirls(
    rng: np.random.Generator, color: Picture, sky: np.ndarray, palette: Palette
) -> tuple[Plane, Picture]:
    """Stroke directions, and the scene with rings of light where the sky turns."""
    size = color.shape[0]
    rows, columns = np.indices((size, size), dtype=np.float32) / size
    stream = fractal_noise(rng, size, 2.2, gain=0.35) * 0.07
    for _ in range(int(rng.integers(3, 8))):
        x, y, radius = rng.uniform(0, 1), rng.uniform(0, 0.55), rng.uniform(0.06, 0.2)
        away = np.hypot(columns - x, rows - y)
        stream += rng.choice([-1, 1]) * 0.35 * radius * np.exp(-((away / radius) ** 2))
        heading = np.arctan2(rows - y, columns - x)
        spiral = 0.5 + 0.5 * np.sin(2 * heading + 40 * np.sqrt(away) / np.sqrt(radius) / 2.2)
        glow = np.exp(-((away / radius) ** 2) * 1.3) * (0.35 + 0.65 * spiral)
        glow = np.maximum(glow, np.exp(-((away / radius * 3) ** 2))) * sky
        color = mix(color, palette.light, 0.9 * glow)
    down, across = np.gradient(stream)
    flow = np.arctan2(-across, down)
    bands = fractal_noise(rng, size, 5, stretch=2)
    color = mix(color, palette.haze, 0.45 * sky * (np.sin(260 * stream + bands) > 0.35))
    along, sure = contour_angle(color, 0.02 * size)
    sure = np.where(sky, 0.15, 0.5 + 0.5 * sure) * np.clip(sure * 2, 0, 1)
    # Directions have no sign, so they are mixed as doubled angles.
    doubled = (1 - sure) * np.exp(2j * flow) + sure * np.exp(2j * along)
    return np.angle(doubled) / 2, color
