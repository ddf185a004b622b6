"""The pictures of the golden test, which others use as well."""

from pathlib import Path

import numpy as np
from PIL import Image

GOLDEN = Path(__file__).parent / "golden"
PHOTO, PAINTING = GOLDEN / "photo.png", GOLDEN / "painting.png"


def mean_difference(actual: Image.Image, expected: Image.Image) -> float:
    """Return the mean absolute difference in levels of 255."""
    pair = [np.asarray(picture, float) for picture in (actual, expected)]
    return float(np.abs(pair[0] - pair[1]).mean())
