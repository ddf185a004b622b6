"""The pictures of a run: what it trains on, and what it holds out for the sample sheets."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stylekernel_hf.images.folder import list_images
from stylekernel_hf.images.loading import ImageSource
from stylekernel_hf.training.crops import CropPairs, CropSource, RandomCrops
from stylekernel_hf.training.pictures import read_picture
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.streams import PictureStream, StreamedCrops, dataset_name

# Pictures of each kind that are kept out of training: so many at most, and one in so many.
HELD_OUT = 5
HELD_OUT_SHARE = 5


@dataclass(frozen=True)
class TrainingData:
    """Pairs of crops to train on, and the pictures that none of them is from."""

    pairs: CropPairs
    held_contents: Sequence[ImageSource]
    held_styles: Sequence[ImageSource]


def load_training_data(settings: TrainingSettings) -> TrainingData:
    """Find the pictures of a run; errors name the argument and the folder."""
    contents, held_contents = _source("content", settings.contents, settings.size, settings)
    styles, held_styles = _source("style", settings.styles, settings.style_size, settings)
    pairs = CropPairs(
        contents,
        styles,
        seed=settings.seed,
        color_augmentation=settings.color_augmentation,
        distinct_crops=settings.distinct_crops,
    )
    return TrainingData(pairs, held_contents, held_styles)


def _source(
    name: str, folders: tuple[Path, ...], size: int, settings: TrainingSettings
) -> tuple[CropSource, Sequence[ImageSource]]:
    zooms = {"min_zoom": settings.min_zoom, "max_zoom": settings.max_zoom}
    datasets = [dataset for folder in folders if (dataset := dataset_name(folder)) is not None]
    if not datasets:
        paths, held = _hold_out(name, folders)
        cache_bytes = int(settings.cache_gigabytes * 2**30 / 2)
        return RandomCrops(paths, size, cache_bytes=cache_bytes, **zooms), held
    if len(folders) > 1:
        raise ValueError(
            f"{name} must be folders or one data set, got {', '.join(map(str, folders))}"
        )
    if settings.distinct_crops:
        raise ValueError(
            f"distinct_crops must be 0 with data sets, whose pictures come once, got "
            f"{settings.distinct_crops}"
        )
    stream = PictureStream(datasets[0], held_out=HELD_OUT)
    held_pictures = stream.held_pictures()
    if not held_pictures:
        raise ValueError(f"{name}: the first {HELD_OUT} pictures of '{datasets[0]}' are damaged")
    return StreamedCrops(stream, size, **zooms), held_pictures


def _hold_out(name: str, folders: tuple[Path, ...]) -> tuple[list[Path], list[Path]]:
    """Return the pictures to train on and those held out; the same ones, if there is but one.

    Every run on the same folders holds out the same, whatever its seed: so runs can be compared,
    and a run that goes on from another's weights is judged by pictures that neither has seen.
    """
    paths = [path for folder in folders for path in list_images(folder, name=name)]
    generator = random.Random(0)
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
