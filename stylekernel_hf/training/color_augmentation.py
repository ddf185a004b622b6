"""New palettes for style crops: a few thousand paintings hold too few of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def augment_color(pixels: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Return an h x w x 3 picture with its colours rotated, its contrast and tone changed.

    The colours are turned about the grey axis by any angle, their saturation is scaled by 0 to
    1.8, contrast by 0.6 to 1.6 about the picture's mean and gamma by 0.6 to 1.6; one in eight
    pictures is inverted.
    """
    rgb = pixels.astype(np.float32) / 255
    grey = rgb.mean(axis=2, keepdims=True)
    rotation = _rotation_about_grey(random.uniform(-np.pi, np.pi))
    colored = (rgb - grey) @ rotation.T * random.uniform(0, 1.8)
    rgb = grey + colored.astype(np.float32)
    rgb = (rgb - rgb.mean()) * np.exp(random.uniform(np.log(0.6), np.log(1.6))) + rgb.mean()
    rgb = np.clip(rgb, 0, 1) ** np.exp(random.uniform(np.log(0.6), np.log(1.6)))
    if random.random() < 0.125:
        rgb = 1 - rgb
    return np.rint(rgb * 255).astype(np.uint8)


def _rotation_about_grey(angle: float) -> NDArray[np.float32]:
    axis = np.full(3, 3**-0.5)
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    matrix = (
        np.cos(angle) * np.eye(3)
        + np.sin(angle) * cross
        + (1 - np.cos(angle)) * np.outer(axis, axis)
    )
    return matrix.astype(np.float32)
