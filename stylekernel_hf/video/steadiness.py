"""What the network measures over a frame, averaged over time: without it, colours pulse."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
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


class FrameStatistics:
    """The averaged statistics of one frame; frames may be stylized beside each other.

    `average` waits for what the frame before has measured in the same pass. `finish` must be called
    once the frame is stylized, or given up: it lets the next frame go on in any case.
    """

    def __init__(self, before: FrameStatistics | None, weight: float) -> None:
        self._before, self._weight = before, weight
        self._found: dict[int, Levels] = {}
        self._finished = False
        self._change = threading.Condition()

    def average(self, number: int, measured: Levels) -> Levels:
        """Return the statistics to stylize the frame with, in the pass of this number."""
        before = None if self._before is None else self._before.found(number)
        if before is not None:
            measured = [
                ChannelStatistics(
                    torch.lerp(earlier.mean.to(level.mean), level.mean, self._weight),
                    torch.lerp(earlier.std.to(level.std), level.std, self._weight),
                )
                for earlier, level in zip(before, measured, strict=True)
            ]
        with self._change:
            self._found[number] = measured
            self._change.notify_all()
        return measured

    def found(self, number: int) -> Levels | None:
        """Wait for the pass of this number; return None if the frame has ended without it."""
        with self._change:
            self._change.wait_for(lambda: self._finished or number in self._found)
            return self._found.get(number)

    def finish(self) -> None:
        """Let whoever waits go on: there are no further passes."""
        with self._change:
            self._finished, self._before = True, None
            self._change.notify_all()

    def listed(self) -> Any:
        """Return the passes of a finished frame as what JSON can hold."""
        return [
            [number, [[part.flatten().tolist() for part in level] for level in levels]]
            for number, levels in self._found.items()
        ]

    @staticmethod
    def from_list(passes: Any) -> FrameStatistics:
        """Return the finished frame that `listed` has told of."""
        frame = FrameStatistics(None, 1.0)
        frame._found = {
            number: [
                ChannelStatistics(*(torch.tensor(part).view(1, -1, 1, 1) for part in level))
                for level in levels
            ]
            for number, levels in passes
        }
        frame.finish()
        return frame


def average_each(
    frames: Sequence[FrameStatistics], number: int, measured: Levels
) -> list[ChannelStatistics]:
    """Return the averaged statistics of a batch of frames, in order, from what it measured."""
    averaged = [
        frame.average(number, [_picked(level, place) for level in measured])
        for place, frame in enumerate(frames)
    ]
    return [
        ChannelStatistics(*(torch.cat(parts) for parts in zip(*each, strict=True)))
        for each in zip(*averaged, strict=True)
    ]


def _picked(level: ChannelStatistics, place: int) -> ChannelStatistics:
    return ChannelStatistics(*(part[place : place + 1] for part in level))


class SteadyStatistics:
    """The statistics of frames, averaged with weights that halve in `half_life` seconds.

    They start anew with every scene. `begin` takes the frames in order and gives each its
    `FrameStatistics`, whose `average` may be called several times.
    """

    def __init__(self, half_life: float) -> None:
        self._half_life = half_life
        self._time = 0.0
        self._last: FrameStatistics | None = None
        self._colors: Tensor | None = None
        self._layout: Tensor | None = None
        self._change = 0.0

    def begin(self, rgb: Num[Tensor, "1 3 h w"], time: float) -> FrameStatistics:
        """Look at the frame that is shown at `time`, in seconds: does a scene begin with it?"""
        samples = _samples(rgb)
        is_cut = self._is_cut(_histogram(samples), _layout(samples))
        weight = 1 - 2.0 ** (-(time - self._time) / self._half_life)
        self._last = FrameStatistics(None if is_cut else self._last, weight)
        self._time = time
        return self._last

    def _is_cut(self, colors: Tensor, layout: Tensor) -> bool:
        """Compare a frame with the one before, and keep what the next one is compared with."""
        earlier, where, before = self._colors, self._layout, self._change
        self._colors, self._layout = colors, layout
        if earlier is None or where is None:
            return True
        self._change = change = float((layout - where).abs().mean())
        moved = change > _LAYOUT_CUT and change > _PAN * before
        return moved or float((colors - earlier).abs().sum()) / 2 > _CUT

    def snapshot(self) -> Callable[[], Any]:
        """Return what gives, as what JSON can hold, all that the next frame depends on.

        It may be called once the frame that `begin` took last is finished.
        """
        time, last, change = self._time, self._last, self._change
        colors, layout = self._colors, self._layout

        def listed() -> Any:
            return {
                "time": time,
                "colors": None if colors is None else colors.tolist(),
                "layout": None if layout is None else layout.tolist(),
                "change": change,
                "passes": [] if last is None else last.listed(),
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
        self._last = FrameStatistics.from_list(state["passes"])


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
