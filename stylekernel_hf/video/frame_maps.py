"""Masks and strengths of a video: pictures that stay, or clips that move with it."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeGuard

from jaxtyping import Num
from torch import Tensor

from stylekernel_hf.images.animation import is_animated
from stylekernel_hf.images.masks import read_mask
from stylekernel_hf.images.tensors import ImageInput
from stylekernel_hf.styles.mixing import Shares, plan_shares
from stylekernel_hf.video.formats import is_video_name
from stylekernel_hf.video.sources import identity, look_at
from stylekernel_hf.video.timing import Repeated


def is_map_clip(given: ImageInput | float) -> TypeGuard[str | os.PathLike[str]]:
    """Say whether a mask or strength is a video, a folder of frames or a picture that moves."""
    if not isinstance(given, str | os.PathLike):
        return False
    return is_video_name(Path(given)) or os.path.isdir(given) or is_animated(given)


class FrameMaps:
    """The maps of strengths and the masks for frames of one size, (height, width)."""

    def __init__(
        self,
        size: tuple[int, int],
        strength: float | ImageInput,
        masks: Sequence[ImageInput] | None,
    ) -> None:
        self._size = size
        self._strength = self._read(strength, "strength")
        self._masks = masks and [
            self._read(mask, f"masks[{index}]") for index, mask in enumerate(masks)
        ]
        given = [self._strength, *(self._masks or [])]
        self._clips = [each for each in given if isinstance(each, MapClip)]

    @property
    def move(self) -> bool:
        """Whether any of them is a clip."""
        return bool(self._clips)

    def shares(self, weights: Sequence[float], time: Fraction) -> Shares:
        """Return the shares of the styles at a time in seconds; without masks those of `weights`.

        Times come in order.
        """
        return plan_shares(
            self._size,
            strength=_at(self._strength, time),
            weights=weights,
            masks=self._masks and [_at(mask, time) for mask in self._masks],
        )

    def identity(self) -> list[object]:
        """Return what is the same only while the clips are."""
        return [clip.identity() for clip in self._clips]

    def _read(self, given: Any, name: str) -> Any:
        if is_map_clip(given):
            return MapClip(given, name=name)
        return given if isinstance(given, int | float) else read_mask(given, self._size, name=name)


def _at(given: Any, time: Fraction) -> Any:
    return given.at(time) if isinstance(given, MapClip) else given


class MapClip:
    """A clip whose frames are looked up by time, in the order of time; the last one stays."""

    def __init__(self, path: str | os.PathLike[str], *, name: str) -> None:
        self._path = path
        facts, reads, _ = look_at(path, None, name=name)
        self._reader = reads(path, facts, (facts.width, facts.height), name=name)
        self._frames: Generator[Repeated[Num[Tensor, "1 3 h w"] | None]] | None = None
        self._now: Num[Tensor, "1 3 h w"] | None = None
        self._next: Repeated[Num[Tensor, "1 3 h w"] | None] | None = None

    def at(self, time: Fraction) -> Num[Tensor, "1 3 h w"]:
        """Return the frame shown at a time in seconds, which is not before that of the last call.

        ValueError, with the argument's name, for a clip whose frames cannot be decoded.
        """
        if self._frames is None:
            self._frames = self._reader.frames()
            self._next = next(self._frames, None)
        while self._next is not None and (self._now is None or self._begin(self._next) <= time):
            self._now, self._next = self._next.item, next(self._frames, None)
        if self._now is None:
            raise ValueError(
                f"{self._reader.name} must have frames that can be decoded, but "
                f"'{os.fspath(self._path)}' has none"
            )
        return self._now

    def identity(self) -> list[object]:
        """Return what is the same only while the clip is."""
        return identity(self._path)

    def _begin(self, frame: Repeated[Num[Tensor, "1 3 h w"] | None]) -> Fraction:
        return frame.times[0] * self._reader.time_base
