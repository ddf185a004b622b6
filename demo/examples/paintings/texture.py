"""Noise, light on relief, and the grounds that pictures are painted on."""

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from .arrays import Picture, Plane


def smooth_noise(rng: np.random.Generator, size: int, cells: tuple[float, float]) -> Plane:
    """Noise between about -1 and 1 with `cells` (down, across) bumps over the picture."""
    down, across = cells
    grid = rng.uniform(-1, 1, (int(np.ceil(down)) + 4, int(np.ceil(across)) + 4))
    box = (1.5, 1.5, 1.5 + across, 1.5 + down)
    image = Image.fromarray(grid.astype(np.float32))
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, box=box))


def fractal_noise(
    rng: np.random.Generator,
    size: int,
    cells: float,
    *,
    stretch: float = 1.0,
    gain: float = 0.5,
) -> Plane:
    """Cloud-like noise of mean 0 and deviation 1; `stretch` > 1 draws it out sideways."""
    total = np.zeros((size, size), np.float32)
    weight = 1.0
    while cells < size / 2 and weight > 0.03:
        total += weight * smooth_noise(rng, size, (cells, max(cells / stretch, 1)))
        cells, weight = cells * 2, weight * gain
    return (total - total.mean()) / max(float(total.std()), 1e-6)


def averaged(image: Image.Image, factor: int) -> np.ndarray:
    """The image made `factor` times smaller, 0 to 1, every band by itself.

    Pillow's own reduction would weigh the colours by the alpha band, where we keep heights.
    """
    pixels = np.asarray(image, np.float32) / 255
    height, width, bands = pixels.shape
    return pixels.reshape(height // factor, factor, width // factor, factor, bands).mean((1, 3))


def blur(plane: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur over the first two axes."""
    sigmas = (sigma, sigma) + (0,) * (plane.ndim - 2)
    return ndimage.gaussian_filter(plane, sigmas, mode="reflect", truncate=3)


def smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, an S in between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def light(height: Plane, strength: float, *, angle: float = 0.8) -> Plane:
    """Brightness factor about 1 of a relief (in pixels) lit from the upper left."""
    down, across = np.gradient(height)
    slope = across * np.cos(angle) + down * np.sin(angle)
    return 1 + np.tanh(strength * slope) * 0.55


def shaded(picture: Picture, brightness: Plane) -> Picture:
    """Darkens with shade and lifts towards white with light, as paint does."""
    factor = brightness[..., None]
    return np.where(factor < 1, picture * factor, 1 - (1 - picture) * (2 - factor))


def warp(plane: np.ndarray, down: Plane, across: Plane) -> np.ndarray:
    """Takes every pixel from `down` and `across` pixels away, with linear interpolation."""
    rows, columns = np.indices(plane.shape[:2], dtype=np.float32)
    places = [rows + down, columns + across]
    if plane.ndim == 2:
        return ndimage.map_coordinates(plane, places, order=1, mode="nearest")
    bands = [warp(plane[..., band], down, across) for band in range(plane.shape[2])]
    return np.stack(bands, axis=-1)


def paper(rng: np.random.Generator, size: int, *, coarseness: float = 1.0) -> Plane:
    """Height of a sheet's tooth: mean 0, deviation 1, grains of a few pixels."""
    fine = blur(rng.standard_normal((size, size)).astype(np.float32), 0.7 * coarseness)
    broad = blur(rng.standard_normal((size, size)).astype(np.float32), 2.2 * coarseness)
    grain = fine / fine.std() + 0.8 * broad / broad.std()
    return grain / grain.std()


def canvas_weave(rng: np.random.Generator, size: int, *, threads: float = 170) -> Plane:
    """Height of woven cloth between about -1 and 1, threads a little uneven."""
    rows, columns = np.indices((size, size), dtype=np.float32) / size
    drift = 0.002 * fractal_noise(rng, size, 12)
    warp_thread = np.sin(2 * np.pi * threads * (columns + drift))
    weft_thread = np.sin(2 * np.pi * threads * (rows + drift))
    uneven = 1 + 0.3 * smooth_noise(rng, size, (threads / 2, threads / 8))
    return 0.5 * (warp_thread + weft_thread) * uneven


def fibres(rng: np.random.Generator, size: int, *, count: int = 260) -> Plane:
    """Long thin fibres of handmade paper: 0 where there is none, up to 1 on one."""
    sheet = Image.new("L", (size, size), 0)
    draw = ImageDraw.Draw(sheet)
    steps = np.cumsum(rng.normal(0, 0.25, (count, 12)), axis=1)
    headings = rng.uniform(0, 2 * np.pi, (count, 1)) + steps
    step = rng.uniform(0.003, 0.008, (count, 1)) * size
    x = rng.uniform(0, size, (count, 1)) + np.cumsum(step * np.cos(headings), axis=1)
    y = rng.uniform(0, size, (count, 1)) + np.cumsum(step * np.sin(headings), axis=1)
    for path in np.stack([x, y], axis=-1):
        draw.line(path.ravel().tolist(), fill=int(rng.integers(60, 255)))
    return blur(np.asarray(sheet, np.float32) / 255, 0.5)
