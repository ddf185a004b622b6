"""A loaded brush: curved, tapered strokes made of bristles, and the light on thick paint."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from .arrays import Colors, Picture, Plane, Points
from .palette import vary
from .texture import averaged, blur, light, shaded


@dataclass(frozen=True)
class Strokes:
    """Paths of equal point count ("n k 2", pixels), a width in pixels and a colour for each."""

    paths: np.ndarray
    widths: np.ndarray
    colors: Colors


class OilCanvas:
    """Paint laid on at twice the size of the picture; the alpha band keeps its thickness."""

    def __init__(self, ground: Picture) -> None:
        size = ground.shape[0]
        self.size = size
        base = np.concatenate([ground, np.full((size, size, 1), 0.35)], axis=2)
        self.image = Image.fromarray((np.clip(base, 0, 1) * 255).astype(np.uint8)).resize(
            (size * 2, size * 2), Image.Resampling.NEAREST
        )

    def lay(
        self, rng: np.random.Generator, strokes: Strokes, *, bristles: int, streak: float = 0.07
    ) -> None:
        """Paints the strokes in their order; `streak` is how much bristles differ in tone."""
        draw = ImageDraw.Draw(self.image)
        paths, heights, tints = self._bristle_lines(rng, strokes, bristles, streak)
        hairs = np.maximum(np.round(strokes.widths * 2 / bristles * 1.7), 1).astype(int)
        for path, tint, height, hair in zip(paths, tints, heights, hairs.tolist(), strict=True):
            for line, color, thickness in zip(path, tint, height, strict=True):
                draw.line(line, fill=(*color, thickness), width=hair)

    def _bristle_lines(
        self, rng: np.random.Generator, strokes: Strokes, bristles: int, streak: float
    ) -> tuple[list, list, list]:
        """Per stroke and bristle: flat pixel coordinates, an 8-bit colour, a thickness."""
        paths = strokes.paths * 2
        count, steps = paths.shape[:2]
        along = np.gradient(paths, axis=1)
        along /= np.maximum(np.linalg.norm(along, axis=2, keepdims=True), 1e-6)
        normal = np.stack([-along[..., 1], along[..., 0]], axis=-1)
        t = np.linspace(0, 1, steps)
        taper = np.clip(3.5 * t + 0.45, 0, 1) * np.clip(3.0 * (1 - t) + 0.2, 0, 1)
        place = np.linspace(-0.5, 0.5, bristles) + rng.normal(0, 0.03, (count, bristles))
        offset = (place * strokes.widths[:, None] * 2)[:, :, None] * taper
        # Ragged ends: every bristle leaves the canvas a little earlier or later.
        slide = rng.normal(0, 0.35, (count, bristles, 1)) * strokes.widths[:, None, None]
        lines = paths[:, None] + offset[..., None] * normal[:, None]
        lines = lines + slide[..., None] * along[:, None]
        tone = rng.normal(0, streak, (count, bristles, 1))
        tints = np.clip(vary(rng, np.repeat(strokes.colors[:, None], bristles, 1)) + tone, 0, 1)
        # Paint is pushed to the rims of a stroke and furrowed by the bristles.
        rim = 0.55 + 0.5 * np.abs(2 * place) ** 3 * 0.5 + rng.normal(0, 0.13, place.shape)
        heights = (np.clip(rim, 0, 1) * 255).astype(int).tolist()
        flat = lines.reshape(count, bristles, -1)
        return flat.tolist(), heights, (tints * 255).astype(int).tolist()

    def finish(self, *, impasto: float, weave: Plane | None = None) -> Picture:
        """The dry picture: relief lit from the upper left."""
        small = averaged(self.image, 2)
        height = blur(small[..., 3], 0.6 * self.size / 512) * 9
        if weave is not None:
            height = height + weave
        return np.clip(shaded(small[..., :3], light(height, impasto)), 0, 1)


def follow(angle: Plane, starts: Points, lengths: np.ndarray, *, steps: int = 9) -> np.ndarray:
    """Paths ("n steps 2", pixels) through a field of directions, start in the middle."""
    size = angle.shape[0]
    step = (lengths / (steps - 1))[:, None]

    def walk(sign: float, count: int) -> list[Points]:
        place, path = starts, []
        for _ in range(count):
            column, row = np.clip(place.astype(int), 0, size - 1).T
            heading = angle[row, column]
            place = place + sign * step * np.stack([np.cos(heading), np.sin(heading)], axis=1)
            path.append(place)
        return path

    half = steps // 2
    return np.stack([*walk(-1, half)[::-1], starts, *walk(1, half)], axis=1)


def scatter(rng: np.random.Generator, size: int, spacing: float) -> Points:
    """Points about `spacing` pixels apart in shuffled order, slightly past the edges too."""
    line = np.arange(-spacing, size + spacing, spacing)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    return rng.permutation(grid + rng.uniform(-0.6, 0.6, grid.shape) * spacing)


def sample(picture: np.ndarray, points: Points) -> np.ndarray:
    """The pixels under the points, which are clipped to the picture."""
    column, row = np.clip(points.astype(int), 0, picture.shape[0] - 1).T
    return picture[row, column]


def contour_angle(picture: Picture, sigma: float) -> tuple[Plane, Plane]:
    """Direction along the edges of a picture (structure tensor) and how sure it is, 0 to 1."""
    tone = blur(picture.mean(axis=2), sigma * 0.3)
    down, across = np.gradient(tone)
    xx, yy, xy = (blur(part, sigma) for part in (across * across, down * down, across * down))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2
    strength = np.sqrt((xx - yy) ** 2 + 4 * xy**2)
    return angle, np.clip(strength / (np.percentile(strength, 90) + 1e-9), 0, 1)
