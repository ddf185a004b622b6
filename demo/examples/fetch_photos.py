"""Writes the example photos: `python demo/examples/fetch_photos.py --output DIR`.

They are public-domain and CC0 pictures that ship inside scikit-image; nothing is downloaded.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from make_paintings import save_jpeg
from PIL import Image
from skimage import data

PHOTOS = (data.astronaut, data.chelsea, data.coffee, data.rocket)
LONGEST_SHORT_SIDE = 512


def load_photo(photo: Callable[[], np.ndarray]) -> Image.Image:
    """At its natural size, or reduced until the short side is 512 px."""
    image = Image.fromarray(photo())
    scale = LONGEST_SHORT_SIDE / min(image.size)
    if scale >= 1:
        return image
    return image.resize([round(side * scale) for side in image.size], Image.Resampling.LANCZOS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder for the photos")
    output = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    for photo in PHOTOS:
        save_jpeg(load_photo(photo), output / f"{photo.__name__}.jpg", quality=92)
        print(photo.__name__)


if __name__ == "__main__":
    main()
