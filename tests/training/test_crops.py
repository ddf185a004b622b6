"""Random crops and their palettes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from stylekernel_hf.training.color_augmentation import augment_color
from stylekernel_hf.training.crops import CropPairs, RandomCrops
from tests.tiny import save_picture


def crops(paths: list[Path], **options: float) -> RandomCrops:
    settings = {"max_zoom": 1.5, "cache_bytes": 10**6} | options
    return RandomCrops(paths, 32, **settings)  # type: ignore[arg-type]


def test_item_depends_on_its_index_and_the_seed_alone(tmp_path: Path) -> None:
    paths = [save_picture(tmp_path / f"{i}.png", (80, 60), seed=i) for i in range(4)]

    def pairs(seed: int) -> CropPairs:
        return CropPairs(crops(paths), crops(paths), seed=seed, color_augmentation=0.5)

    first, second = pairs(0), pairs(0)
    second[0], second[7]
    assert torch.equal(first[3].content, second[3].content)
    assert torch.equal(first[3].style, second[3].style)
    assert not torch.equal(first[3].content, first[4].content)
    assert not torch.equal(first[3].content, pairs(1)[3].content)


def test_uncached_pictures_give_the_same_crops(tmp_path: Path) -> None:
    paths = [save_picture(tmp_path / f"{i}.png", (80, 60), seed=i) for i in range(3)]
    cached, uncached = crops(paths), crops(paths, cache_bytes=0)
    for index in range(6):
        expected = cached.draw(np.random.default_rng(index))
        assert np.array_equal(uncached.draw(np.random.default_rng(index)), expected)
    assert uncached.pictures.cache == {}


def test_larger_pictures_are_drawn_in_proportion_to_their_area(tmp_path: Path) -> None:
    white = tmp_path / "a.png"
    Image.new("RGB", (96, 64), "white").save(white)
    black = tmp_path / "b.png"
    Image.new("RGB", (32, 64), "black").save(black)
    random = np.random.default_rng(0)
    source = crops([white, black])
    share = np.mean([source.draw(random).mean() > 128 for _ in range(400)])
    assert abs(share - 0.75) < 0.08


def test_picture_smaller_than_the_crop_is_enlarged(tmp_path: Path) -> None:
    path = save_picture(tmp_path / "small.png", (20, 17))
    assert crops([path]).draw(np.random.default_rng(0)).shape == (32, 32, 3)


def test_whole_short_side_is_a_crop_for_every_size(tmp_path: Path) -> None:
    """Scales are powers of e, whose rounding must not make a crop larger than the picture."""
    path = save_picture(tmp_path / "small.png", (20, 17))
    for size in range(32, 256, 16):
        source = RandomCrops([path], size, max_zoom=1.0, cache_bytes=10**6)
        assert source.draw(np.random.default_rng(0)).shape == (size, size, 3)


def test_augmentation_without_change_of_tone_keeps_the_grey_of_grey_pictures() -> None:
    grey = np.full((8, 8, 3), 100, np.uint8)
    for seed in range(20):
        changed = augment_color(grey, np.random.default_rng(seed))
        assert np.ptp(changed.astype(int), axis=2).max() <= 1


def test_augmentation_changes_the_palette_of_colored_pictures() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    means = [
        augment_color(pixels // [1, 2, 4], np.random.default_rng(seed)).mean(axis=(0, 1))
        for seed in range(8)
    ]
    assert np.std(means, axis=0).min() > 10


def test_distinct_crops_come_again_in_new_pairs(tmp_path: Path) -> None:
    paths = [save_picture(tmp_path / f"{i}.png", (80, 60), seed=i) for i in range(3)]
    pairs = CropPairs(crops(paths), crops(paths), seed=0, color_augmentation=0.5, distinct_crops=3)
    items = [pairs[index] for index in range(40)]
    contents = {item.content_number: item.content for item in items}
    styles = {item.style_number: item.style for item in items}
    assert set(contents) == set(styles) == {0, 1, 2}
    for item in items:
        assert torch.equal(item.content, contents[item.content_number])
        assert torch.equal(item.style, styles[item.style_number])
    assert len({(item.content_number, item.style_number) for item in items}) == 9


def test_least_zoom_leaves_no_crop_of_the_whole_picture(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(64, dtype=np.uint8)[:, None, None] * 4, (1, 64, 3))
    path = tmp_path / "ramp.png"
    Image.fromarray(ramp).save(path)
    source = crops([path], min_zoom=2.0, max_zoom=2.0)
    spans = [np.ptp(source.draw(np.random.default_rng(seed))[:, 0, 0]) for seed in range(20)]
    assert 110 < min(spans) <= max(spans) < 145
