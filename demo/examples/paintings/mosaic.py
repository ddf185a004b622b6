"""Tesserae laid in rows along the contours, set in mortar, smalti glinting at random tilts."""

import numpy as np
from scipy import ndimage
from scipy.spatial import KDTree
from skimage import measure

from . import scenes
from .arrays import Labels, Picture, Plane, Points
from .brush import sample, scatter
from .palette import mix, pick, vary
from .texture import blur, fractal_noise, light, paper, shaded, smoothstep


def mosaic(rng: np.random.Generator, size: int) -> Picture:
    palette = pick(rng, night=0.45)
    scene = scenes.render(scenes.compose(rng, palette), size)
    labels = _large_parts(scene.labels, size)
    tile = size * rng.uniform(0.014, 0.024)
    spots, angles = _courses(rng, labels, tile)
    nearest, rim = _cut_tiles(spots, angles, tile, size)
    flat = sample(blur(scene.color, 0.15 * tile), spots)
    gold = mix(palette.light, np.array([0.86, 0.65, 0.2]), 0.6)
    gilded = (labels == labels[0, size // 2]) & (rng.random() < 0.45)
    flat = np.where(sample(gilded, spots)[:, None], mix(flat, gold, 0.85), flat)
    colors = vary(rng, flat, hue=0.14, chroma=0.2, value=0.055)
    tilt = rng.normal(0, 0.09, (len(spots), 1)) + (rng.random((len(spots), 1)) < 0.04) * 0.2
    stone = np.clip(colors + tilt, 0, 1)[nearest]
    stone = stone * (1 + 0.035 * fractal_noise(rng, size, size / 12)[..., None])
    gap = tile * rng.uniform(0.045, 0.085)
    glaze = smoothstep(gap * 0.7, gap * 0.7 + 1.2 * size / 512, rim)
    bright_mortar = rng.random() < 0.55
    mortar = mix(palette.haze, palette.dark, 0.35 if bright_mortar else 0.85)
    bed = mortar * (1 + 0.06 * paper(rng, size)[..., None])
    picture = mix(bed, stone, glaze)
    height = 0.16 * tile * smoothstep(0, 0.22 * tile, rim) + 0.1 * paper(rng, size)
    return np.clip(shaded(picture, light(blur(height, 0.5), 0.8)), 0, 1)


def _large_parts(labels: Labels, size: int) -> Labels:
    """Labels with specks smaller than a few tiles given to their surroundings."""
    sizes = np.bincount(labels.ravel())
    small = sizes[labels] < 0.0006 * size * size
    nearest = ndimage.distance_transform_edt(small, return_distances=False, return_indices=True)
    return labels[tuple(nearest)]


def _courses(rng: np.random.Generator, labels: Labels, tile: float) -> tuple[Points, np.ndarray]:
    """Tile centres and directions: rows at equal distance from the edges of every part."""
    border = scenes.edges(labels)
    depth = blur(ndimage.distance_transform_edt(~border), 0.25 * tile)
    spots, angles = [], []
    for row in range(int(depth.max() / tile) + 1):
        for contour in measure.find_contours(depth, (row + 0.5) * tile):
            steps = np.hypot(*np.diff(contour, axis=0).T)
            reach = np.append(0, np.cumsum(steps))
            marks = np.arange(rng.uniform(0, 0.5) * tile, reach[-1], tile * 1.02)
            marks = marks + rng.normal(0, 0.05 * tile, len(marks))
            y, x = (np.interp(marks, reach, contour[:, axis]) for axis in (0, 1))
            ahead_y, ahead_x = (
                np.interp(marks + 0.4 * tile, reach, contour[:, axis])
                - np.interp(marks - 0.4 * tile, reach, contour[:, axis])
                for axis in (0, 1)
            )
            spots.append(np.stack([x, y], axis=1))
            angles.append(np.arctan2(ahead_y, ahead_x) + rng.normal(0, 0.06, len(marks)))
    # Where courses meet, gaps are left; odd stones fill them.
    laid = np.concatenate(spots)
    odd = scatter(rng, labels.shape[0], 0.5 * tile)
    odd = odd[KDTree(laid).query(odd)[0] > 0.78 * tile]
    keep = (
        [
            i
            for i, near in enumerate(KDTree(odd).query_ball_point(odd, 0.7 * tile))
            if min(near) == i
        ]
        if len(odd)
        else []
    )
    angles.append(rng.uniform(0, np.pi, len(keep)))
    return np.concatenate([laid, odd[keep]]), np.concatenate(angles)


def _cut_tiles(
    spots: Points, angles: np.ndarray, tile: float, size: int
) -> tuple[np.ndarray, Plane]:
    """For each pixel its tile and the distance to that tile's rim, in pixels.

    The nearest centre in the tile's own square metric wins, so stones that meet are cut to fit.
    """
    rows, columns = np.indices((size, size), dtype=np.float64)
    pixels = np.stack([columns.ravel(), rows.ravel()], axis=1)
    _, around = KDTree(spots).query(pixels, k=5)
    delta = pixels[:, None] - spots[around]
    c, s = np.cos(angles)[around], np.sin(angles)[around]
    along = np.abs(c * delta[..., 0] + s * delta[..., 1])
    aside = np.abs(c * delta[..., 1] - s * delta[..., 0])
    reach = np.maximum(along, aside)
    order = np.argsort(reach, axis=1)[:, :2]
    first, second = np.take_along_axis(reach, order, axis=1).T
    rim = np.minimum((second - first) / 1.6, 0.62 * tile - first)
    owner = np.take_along_axis(around, order[:, :1], axis=1)
    return owner.reshape(size, size), np.maximum(rim, 0).reshape(size, size)
