"""The pictures of a run: what it trains on, and what it holds out for the sample sheets."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylekernel_hf.image_io import list_images
from stylekernel_hf.training.crops import CropPairs, RandomCrops
from stylekernel_hf.training.pictures import read_picture
from stylekernel_hf.training.settings import TrainingSettings

# Pictures of each kind that are kept out of training: so many at most, and one in so many.
HELD_OUT = 5
HELD_OUT_SHARE = 5


@dataclass(frozen=True)
class TrainingData:
    """Pairs of crops to train on, and the pictures that none of them is from."""

    pairs: CropPairs
    held_contents: list[Path]
    held_styles: list[Path]


def load_training_data(settings: TrainingSettings) -> TrainingData:
    """Find the pictures of a run; errors name the argument and the folder."""
    contents, held_contents = _hold_out("content", settings.contents, settings.seed)
    styles, held_styles = _hold_out("style", settings.styles, settings.seed)
    zoom_and_cache: dict[str, Any] = {
        "min_zoom": settings.min_zoom,
        "max_zoom": settings.max_zoom,
        "cache_bytes": int(settings.cache_gigabytes * 2**30 / 2),
    }
    pairs = CropPairs(
        RandomCrops(contents, settings.size, **zoom_and_cache),
        RandomCrops(styles, settings.style_size, **zoom_and_cache),
        seed=settings.seed,
        color_augmentation=settings.color_augmentation,
        distinct_crops=settings.distinct_crops,
    )
    return TrainingData(pairs, held_contents, held_styles)


def _hold_out(name: str, folders: tuple[Path, ...], seed: int) -> tuple[list[Path], list[Path]]:
    """Return the pictures to train on and those held out; the same ones, if there is but one."""
    paths = [path for folder in folders for path in list_images(folder, name=name)]
    generator = random.Random(seed)
    count = min(HELD_OUT, max(1, len(paths) // HELD_OUT_SHARE))
    chosen = generator.sample(paths, count)
    others = [path for path in paths if path not in set(chosen)]
    held: list[Path] = []
    for path in [*chosen, *generator.sample(others, len(others))]:
        if len(held) < count and read_picture(path) is not None:
            held.append(path)
    if not held:
        raise ValueError(f"{name}: none of the {len(paths)} pictures can be read, see the log")
    return [path for path in paths if path not in set(held)] or held, held
