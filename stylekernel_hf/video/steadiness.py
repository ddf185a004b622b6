"""What the network measures over a frame, averaged over time: without it, colours pulse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from jaxtyping import Float, Num, UInt8
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from stylekernel_hf.images.tensors import rounded_bytes
from stylekernel_hf.model.statistics import ChannelStatistics

Levels: TypeAlias = list[ChannelStatistics]

# Share of the pixels that change their colour, of 4 x 4 x 4, from one scene to the next. Within a
# scene, quick pans change less.
_CUT = 0.5
_COLORS, _SAMPLES = 4, 64
# Scenes of the same colours differ in where these are. From one scene to the next, the means of the
# 8 x 8 parts of a frame changed by 0.149 or more of the range in footage, within a scene by 0.061
# or less; a quick pan changes them about as much in every frame.
_LAYOUT_CUT, _PAN = 0.1, 2.0
_PARTS = 8


class SteadyStatistics:
    """The statistics of frames, averaged with weights that halve in `half_life` seconds.

    They start anew with every scene. Frames come in order: `begin` for each, then the measured
    statistics to `average`, which may be called several times for one frame.
    """

    def __init__(self, half_life: float) -> None:
        self._half_life = half_life
        self._time = 0.0
        self._weight = 1.0
        self._before: dict[int, Levels] = {}
        self._now: dict[int, Levels] = {}
        self._colors: Tensor | None = None
        self._layout: Tensor | None = None
        self._change = 0.0

    def begin(self, rgb: Num[Tensor, "1 3 h w"], time: float) -> None:
        """Look at the frame that is shown at `time`, in seconds: does a scene begin with it?"""
        samples = _samples(rgb)
        self._before, self._now = self._now, {}
        if self._is_cut(_histogram(samples), _layout(samples)):
            self._before = {}
        self._weight = 1 - 2.0 ** (-(time - self._time) / self._half_life)
        self._time = time

    def _is_cut(self, colors: Tensor, layout: Tensor) -> bool:
        """Compare a frame with the one before, and keep what the next one is compared with."""
        earlier, where, before = self._colors, self._layout, self._change
        self._colors, self._layout = colors, layout
        if earlier is None or where is None:
            return True
        self._change = change = float((layout - where).abs().mean())
        moved = change > _LAYOUT_CUT and change > _PAN * before
        return moved or float((colors - earlier).abs().sum()) / 2 > _CUT

    def average(self, number: int, measured: Levels) -> Levels:
        """Return the statistics to stylize the frame with, in the pass of this number."""
        before = self._before.get(number)
        if before is not None:
            measured = [
                ChannelStatistics(
                    torch.lerp(earlier.mean.to(level.mean), level.mean, self._weight),
                    torch.lerp(earlier.std.to(level.std), level.std, self._weight),
                )
                for earlier, level in zip(before, measured, strict=True)
            ]
        self._now[number] = measured
        return measured

    def snapshot(self) -> Callable[[], Any]:
        """Return what gives, as what JSON can hold, all that the next frame depends on."""
        time, now, change = self._time, self._now, self._change
        colors, layout = self._colors, self._layout

        def listed() -> Any:
            return {
                "time": time,
                "colors": None if colors is None else colors.tolist(),
                "layout": None if layout is None else layout.tolist(),
                "change": change,
                "passes": [
                    [number, [[part.flatten().tolist() for part in level] for level in levels]]
                    for number, levels in now.items()
                ],
            }

        return listed

    def restore(self, state: Any) -> None:
        """Go on after the frame at which this was the snapshot."""
        self._time = state["time"]
        self._colors, self._layout = (
            None if state[part] is None else torch.tensor(state[part])
            for part in ("colors", "layout")
        )
        self._change = state["change"]
        self._now = {
            number: [
                ChannelStatistics(*(torch.tensor(part).view(1, -1, 1, 1) for part in level))
                for level in levels
            ]
            for number, levels in state["passes"]
        }


def _samples(rgb: Num[Tensor, "1 3 h w"]) -> UInt8[Tensor, "3 i j"]:
    """Return up to 64 x 64 pixels on a grid."""
    down, across = (-(-side // _SAMPLES) for side in rgb.shape[2:])
    return rounded_bytes(rgb[0, :, ::down, ::across]).cpu()


def _histogram(samples: UInt8[Tensor, "3 i j"]) -> Tensor:
    """Return the shares of the colours."""
    levels = samples.long() * _COLORS // 256
    places = (levels[0] * _COLORS + levels[1]) * _COLORS + levels[2]
    counts = torch.bincount(places.flatten(), minlength=_COLORS**3)
    return counts / counts.sum()


def _layout(samples: UInt8[Tensor, "3 i j"]) -> Float[Tensor, "3 p p"]:
    """Return the mean colours of the parts, in [0, 1]."""
    return adaptive_avg_pool2d(samples.float() / 255, _PARTS)
