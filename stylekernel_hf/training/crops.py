"""Endless random crops of image folders, each a function of the seed and its index alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from stylekernel_hf.training.color_augmentation import augment_color
from stylekernel_hf.training.pictures import Pictures


class CropPair(NamedTuple):
    """One content and one style crop, with the numbers that tell distinct crops apart.

    `pair_number` is the pair's place in the endless row of pairs. In a batch, all are tensors.
    """

    content: UInt8[Tensor, "3 h w"]
    style: UInt8[Tensor, "3 s s"]
    content_number: int
    style_number: int
    pair_number: int


class PictureSet(Protocol):
    """Pictures by number; `areas` are their pixels."""

    areas: list[int]

    def load(self, index: int) -> NDArray[np.uint8] | None:
        """Return picture `index`, h x w x 3, or None for a damaged one."""
        ...


class Crops:
    """Square crops of random place and scale, as likely from a picture as it holds distinct ones.

    Pictures are scaled so that their short side lies anywhere (log-uniformly) between `min_zoom`
    and `max_zoom` times the crop's, or up to their own size if that is more. Where chance falls on
    a damaged picture, it is asked again.
    """

    def __init__(
        self, pictures: PictureSet, size: int, *, max_zoom: float, min_zoom: float = 1.0
    ) -> None:
        self.pictures = pictures
        self.size = size
        self.min_zoom = min_zoom
        self.max_zoom = max_zoom
        areas = np.array(pictures.areas, dtype=np.float64)
        self.cumulative = np.cumsum(np.maximum(areas, size**2) / areas.sum())

    def draw(self, random: np.random.Generator) -> NDArray[np.uint8]:
        """Return one crop, size x size x 3."""
        picture = self._choose(random)
        height, width = picture.shape[:2]
        short = min(height, width)
        largest = max(short, self.size * self.max_zoom)
        scaled = float(np.exp(random.uniform(np.log(self.size * self.min_zoom), np.log(largest))))
        # Rounding may make a crop of the whole short side longer than that.
        side = min(short, self.size * short / scaled)
        left, top = random.uniform(0, width - side), random.uniform(0, height - side)
        crop = Image.fromarray(picture).resize(
            (self.size, self.size),
            Image.Resampling.BICUBIC,
            box=(left, top, left + side, top + side),
        )
        pixels = np.asarray(crop)
        return pixels[:, ::-1] if random.random() < 0.5 else pixels

    def _choose(self, random: np.random.Generator) -> NDArray[np.uint8]:
        while True:
            place = random.uniform(0, self.cumulative[-1])
            index = int(np.searchsorted(self.cumulative, place))
            picture = self.pictures.load(min(index, len(self.cumulative) - 1))
            if picture is not None:
                return picture


class RandomCrops(Crops):
    """Crops of picture files, which once decoded are kept as far as `cache_bytes` allows."""

    def __init__(
        self,
        paths: Sequence[Path],
        size: int,
        *,
        max_zoom: float,
        cache_bytes: int,
        min_zoom: float = 1.0,
    ) -> None:
        pictures = Pictures(paths, cache_bytes=cache_bytes)
        super().__init__(pictures, size, max_zoom=max_zoom, min_zoom=min_zoom)

    def at(self, number: int) -> Crops:
        """Return what crop `number` is drawn from: all of the pictures, whatever the number."""
        return self


class CropSource(Protocol):
    """What crops are drawn from, by their numbers in a run."""

    def at(self, number: int) -> Crops:
        """Return what crop `number` is drawn from."""
        ...


class CropPairs(Dataset[CropPair]):
    """Item i pairs a content and a style crop drawn with the seed (seed, i): any run can resume.

    There are `distinct_crops` different crops of each kind, paired anew every time; crop k is a
    function of the seed and k. With 0 every item has crops of its own.
    """

    def __init__(
        self,
        contents: CropSource,
        styles: CropSource,
        *,
        seed: int,
        color_augmentation: float,
        distinct_crops: int = 0,
    ) -> None:
        self.contents = contents
        self.styles = styles
        self.seed = seed
        self.color_augmentation = color_augmentation
        self.distinct_crops = distinct_crops

    def __getitem__(self, index: int) -> CropPair:
        content_number = style_number = index
        if self.distinct_crops:
            random = np.random.default_rng((self.seed, index))
            content_number, style_number = random.integers(self.distinct_crops, size=2).tolist()
        random = np.random.default_rng((self.seed, content_number, 0))
        content = self.contents.at(content_number).draw(random)
        style = draw_style(self.styles, self.seed, style_number, self.color_augmentation)
        return CropPair(_to_tensor(content), style, content_number, style_number, index)


def draw_style(
    styles: CropSource, seed: int, number: int, color_augmentation: float
) -> UInt8[Tensor, "3 s s"]:
    """Return style crop `number` of a seed, with a new palette in `color_augmentation` of cases."""
    random = np.random.default_rng((seed, number, 1))
    style = styles.at(number).draw(random)
    if random.random() < color_augmentation:
        style = augment_color(style, random)
    return _to_tensor(style)


def unit_batch(crops: UInt8[Tensor, "b 3 h w"], device: torch.device) -> Float[Tensor, "b 3 h w"]:
    """Return crops as networks take them: in [0, 1], channels last, on a device."""
    return crops.to(device).float().div(255).contiguous(memory_format=torch.channels_last)


def _to_tensor(pixels: NDArray[np.uint8]) -> UInt8[Tensor, "3 h w"]:
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
