"""Clips that are pictures: the files of a folder, and animated GIF, WebP and PNG files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from itertools import count
from pathlib import Path

from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from stylekernel_hf.images.animation import has_frames, open_animation
from stylekernel_hf.images.bounds import Bounds
from stylekernel_hf.images.folder import list_images
from stylekernel_hf.images.loading import read_image, read_size
from stylekernel_hf.images.tensors import load_rgb, to_rgb_tensor
from stylekernel_hf.styles.picture_size import MIN_SIDE
from stylekernel_hf.video.clip import MAX_PIXELS, USUAL_RATE, ClipFacts, check_size
from stylekernel_hf.video.colors import VideoColors
from stylekernel_hf.video.timed_reader import TimedReader, Undecoded

_BOUNDS = Bounds(MAX_PIXELS, min_side=MIN_SIDE)
_MILLISECOND = Fraction(1, 1000)


def holds_pictures(path: str | os.PathLike[str]) -> bool:
    """Say whether a clip is a folder, or a file of pictures, rather than a video."""
    return os.path.isdir(path) or has_frames(path)


def look_at_pictures(
    path: str | os.PathLike[str], *, name: str, rate: Fraction | None
) -> ClipFacts:
    """Return what is known of the frames; those of a folder come at the `rate`, or 25 a second.

    ValueError for a folder without pictures, or with pictures of several sizes.
    """
    if os.path.isdir(path):
        return _look_at_folder(Path(path), name, rate or USUAL_RATE)
    with open_animation(path, name=name, bounds=_BOUNDS) as animation:
        first = animation.frame(0)
        frames = animation.frame_count
    if first is None:
        raise ValueError(f"{name} must have frames that can be decoded, but '{path}' has none")
    picture, duration = first
    rate = 1000 / Fraction(duration).limit_denominator(1000)
    check_size(*picture.size, os.fspath(path), name)
    return _facts(picture.size, rate, _MILLISECOND, frames)


def _look_at_folder(path: Path, name: str, rate: Fraction) -> ClipFacts:
    files = list_images(path, name=name)
    size = read_image(files[0], name, _BOUNDS).size
    for file in files:
        found = read_size(file, name)
        # Files may be stored lying on their side.
        if sorted(found) != sorted(size):
            raise ValueError(_other_size(name, size, found, file))
    check_size(*size, os.fspath(path), name)
    return _facts(size, rate, 1 / Fraction(rate.numerator), len(files))


def _facts(
    size: tuple[int, int],
    rate: Fraction,
    time_base: Fraction,
    frames: int | None,
) -> ClipFacts:
    return ClipFacts(
        *size,
        aspect=Fraction(1),
        turn=0,
        rate=rate,
        stream_time_base=time_base,
        time_base=time_base,
        origin=Fraction(0),
        frame_count=frames,
        seconds=None,
        stream_seconds=None,
        colors=VideoColors(),
        interlaced=False,
    )


def _other_size(name: str, size: tuple[int, int], found: tuple[int, int], file: Path) -> str:
    return (
        f"{name} must hold frames of one size, {size[0]}x{size[1]} px, but '{file}' has "
        f"{found[0]}x{found[1]}"
    )


class FolderReader(TimedReader):
    """Reads the pictures of a folder, in order by name."""

    def _undecoded(self) -> Iterator[tuple[Undecoded, int | None, int]]:
        duration = round(1 / self.facts.rate / self.facts.time_base)
        for number, file in enumerate(list_images(self.path, name=self.name)):
            yield Undecoded(partial(self._read, file), file.stem), number * duration, duration
            self.last = (number + 1) * duration

    def _read(self, file: Path) -> UInt8[Tensor, "1 3 h w"]:
        picture = load_rgb(file, name=self.name, bounds=_BOUNDS)
        size = self.facts.width, self.facts.height
        if picture.size != size:
            raise ValueError(_other_size(self.name, size, picture.size, file))
        return _tensor(picture, self.size)


class AnimationReader(TimedReader):
    """Reads the frames of a GIF, WebP or PNG file."""

    def _undecoded(self) -> Iterator[tuple[Undecoded, int | None, int]]:
        time = 0.0
        with open_animation(self.path, name=self.name, bounds=_BOUNDS) as animation:
            for number in count():
                try:
                    shown = animation.frame(number)
                except ValueError as error:
                    self.damage.note(error)
                    return
                if shown is None:
                    return
                picture, duration = shown
                begin, time = round(time), time + duration
                self.last = round(time)
                item = Undecoded(partial(_tensor, load_rgb(picture, name=self.name), self.size))
                yield item, begin, self.last - begin


def _tensor(picture: Image.Image, size: tuple[int, int]) -> UInt8[Tensor, "1 3 h w"]:
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    return to_rgb_tensor(picture, name="content", keep_bytes=True)[0]
