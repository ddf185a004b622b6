"""Copperplate engraving: swelling lines that follow the form, crossed in the shadows."""

import numpy as np
from PIL import Image, ImageDraw

from . import scenes
from .arrays import Labels, Picture, Plane
from .palette import from_hex, luminance, mix, pick
from .texture import blur, fibres, fractal_noise, paper, smooth_noise, smoothstep

_INKS = from_hex("1d1a17 3a2417 16243a 4a1712 1f2f25")
_PAPERS = from_hex("f1e6cb f5efe0 e9d9b6 e4e2d6 efdcc0")


def engraving(rng: np.random.Generator, size: int) -> Picture:
    fine = size * 2
    scene = scenes.render(scenes.compose(rng, pick(rng, night=0.1)), fine)
    tone = _etched_tone(rng, scene, fine)
    pitch = size * rng.uniform(0.0068, 0.0105) * 2
    turns = rng.uniform(-0.9, 0.9, scene.labels.max() + 1)[scene.labels]
    turns[scene.labels == 0] = rng.choice([0.0, 0.15, 1.57])
    bulge = 3.2 * blur(scene.height, 0.004 * fine) + 0.5 * smooth_noise(rng, fine, (2, 2))
    ink = np.zeros_like(tone)
    for angle, start in ((0.0, 0.93), (1.05, 0.56), (-0.75, 0.34), (0.5, 0.17)):
        ink = np.maximum(ink, _lines(rng, turns + angle, bulge, tone, start, pitch))
    ink = np.maximum(ink, _keylines(rng, scene.labels, fine))
    wear = 0.93 + 0.07 * smoothstep(-1.8, 0.2, fractal_noise(rng, fine, 40))
    ink = _framed(ink * wear, fine)
    ink = np.asarray(Image.fromarray(ink.astype(np.float32)).reduce(2))
    sheet = _PAPERS[rng.integers(len(_PAPERS))] * np.ones((size, size, 1))
    sheet = sheet * (1 + 0.012 * paper(rng, size) + 0.02 * fractal_noise(rng, size, 3))[..., None]
    sheet = sheet * (1 - 0.05 * fibres(rng, size))[..., None]
    return np.clip(mix(sheet, _INKS[rng.integers(len(_INKS))], 0.93 * ink), 0, 1)


def _etched_tone(rng: np.random.Generator, scene: scenes.Scene, size: int) -> Plane:
    """Luminance stretched to full contrast, rims of bodies darkened."""
    tone = luminance(scene.color)
    low, high = np.percentile(tone, [2, 97])
    tone = np.clip((tone - low) / (high - low + 1e-6), 0, 1) ** rng.uniform(0.75, 1.1)
    rim = np.where(scene.height > 0, smoothstep(0.75, 0.2, scene.height), 0)
    cloudy = 0.05 * fractal_noise(rng, size, 4)
    return np.clip(blur(tone, 0.003 * size) - 0.2 * rim + cloudy, 0.03, 0.97)


def _lines(
    rng: np.random.Generator, turns: Plane, bulge: Plane, tone: Plane, start: float, pitch: float
) -> Plane:
    """One set of parallel lines where the tone is darker than `start`; they swell with shade."""
    size = tone.shape[0]
    rows, columns = np.indices((size, size), dtype=np.float32)
    hand = 0.12 * fractal_noise(rng, size, 14, gain=0.35)
    across = rows * np.cos(turns) - columns * np.sin(turns)
    phase = across / pitch + bulge * 2.2 + hand
    centered = np.abs((phase % 1) - 0.5) * 2
    depth = np.clip((start - tone) / start, 0, 1)
    swell = 0.13 + 0.5 * depth
    cut = smoothstep(swell + 0.14, swell - 0.14, centered)
    return cut * smoothstep(0.0, 0.05, start - tone + 0.03 * hand)


def _keylines(rng: np.random.Generator, labels: Labels, size: int) -> Plane:
    border = scenes.edges(labels).astype(np.float32)
    width = size / 1024 * (1.3 + 0.5 * smooth_noise(rng, size, (9, 9)))
    return smoothstep(0.22, 0.42, blur(border, 1.2 * size / 1024) * width)


def _framed(ink: Plane, size: int) -> Plane:
    """A clean margin and the plate's ruled border."""
    margin = int(0.035 * size)
    frame = Image.new("L", (size, size), 0)
    draw = ImageDraw.Draw(frame)
    for inset, width in ((margin, 0.004), (int(1.25 * margin), 0.0015)):
        box = (inset, inset, size - 1 - inset, size - 1 - inset)
        draw.rectangle(box, outline=255, width=max(1, int(width * size)))
    inside = np.zeros_like(ink)
    hold = int(1.25 * margin)
    inside[hold:-hold, hold:-hold] = 1
    return np.maximum(ink * inside, np.asarray(frame, np.float32) / 255)
