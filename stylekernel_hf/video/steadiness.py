"""What the network measures over a frame, averaged over time: without it, colours pulse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from jaxtyping import Num
from torch import Tensor

from stylekernel_hf.images.tensors import rounded_bytes
from stylekernel_hf.model.statistics import ChannelStatistics

Levels: TypeAlias = list[ChannelStatistics]

# Share of the pixels that change their colour, of 4 x 4 x 4, from one scene to the next. Within a
# scene, quick pans change less.
_CUT = 0.5
_COLORS, _SAMPLES = 4, 64


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

    def begin(self, rgb: Num[Tensor, "1 3 h w"], time: float) -> None:
        """Look at the frame that is shown at `time`, in seconds: does a scene begin with it?"""
        colors = _histogram(rgb)
        self._before, self._now = self._now, {}
        if self._colors is None or float((colors - self._colors).abs().sum()) / 2 > _CUT:
            self._before = {}
        self._weight = 1 - 2.0 ** (-(time - self._time) / self._half_life)
        self._time, self._colors = time, colors

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
        time, colors, now = self._time, self._colors, self._now

        def listed() -> Any:
            return {
                "time": time,
                "colors": None if colors is None else colors.tolist(),
                "passes": [
                    [number, [[part.flatten().tolist() for part in level] for level in levels]]
                    for number, levels in now.items()
                ],
            }

        return listed

    def restore(self, state: Any) -> None:
        """Go on after the frame at which this was the snapshot."""
        self._time = state["time"]
        self._colors = None if state["colors"] is None else torch.tensor(state["colors"])
        self._now = {
            number: [
                ChannelStatistics(*(torch.tensor(part).view(1, -1, 1, 1) for part in level))
                for level in levels
            ]
            for number, levels in state["passes"]
        }


def _histogram(rgb: Num[Tensor, "1 3 h w"]) -> Tensor:
    """Return the shares of the colours, of up to 64 x 64 pixels on a grid."""
    down, across = (-(-side // _SAMPLES) for side in rgb.shape[2:])
    levels = rounded_bytes(rgb[0, :, ::down, ::across]).long() * _COLORS // 256
    places = (levels[0] * _COLORS + levels[1]) * _COLORS + levels[2]
    counts = torch.bincount(places.flatten().cpu(), minlength=_COLORS**3)
    return counts / counts.sum()
