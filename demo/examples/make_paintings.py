"""Draws example style pictures: `python demo/examples/make_paintings.py --output DIR`."""

import argparse
from pathlib import Path

from paintings import STYLES, paint
from PIL import Image


def save_jpeg(image: Image.Image, path: Path, *, quality: int) -> None:
    """Writes beside the target and renames, so that a crash leaves no half file."""
    partial = path.with_suffix(".partial")
    image.save(partial, format="JPEG", quality=quality, optimize=True)
    partial.replace(path)


def parse_arguments() -> argparse.Namespace:
    names = [style.__name__ for style in STYLES]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--size", type=int, default=512, help="pixels a side (default: 512)")
    parser.add_argument("--seed", type=int, default=0, help="first seed (default: 0)")
    parser.add_argument("--count", type=int, default=1, help="pictures per style (default: 1)")
    parser.add_argument("--style", choices=names, action="append", help="only this; repeatable")
    parser.add_argument("--quality", type=int, default=90, help="JPEG quality (default: 90)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for style in STYLES:
        name = style.__name__
        if arguments.style and name not in arguments.style:
            continue
        for seed in range(arguments.seed, arguments.seed + arguments.count):
            stem = name if arguments.count == 1 else f"{name}-{seed:05d}"
            image = paint(style, size=arguments.size, seed=seed)
            save_jpeg(image, arguments.output / f"{stem}.jpg", quality=arguments.quality)
        print(f"{name}: {arguments.count}")


if __name__ == "__main__":
    main()
