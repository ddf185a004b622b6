"""Temporal consistency of stylized frames: the warping error of Lai et al. (2018)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float
from PIL import Image

from stylekernel_hf.metrics.optical_flow import flow_between, visible_in_both, warp_back

FrameSource: TypeAlias = Callable[[int, Image.Image], Image.Image]
"""Returns a track's frame for the index and the original frame; both have the same size."""

ORIGINAL = "original frames"


@dataclass(frozen=True)
class TemporalConsistency:
    """The warping error of each track of frames, that of the original frames first.

    A warping error is the mean squared difference of RGB in [0, 1] between a frame and the next
    one, moved back along the motion of the original frames, over the pixels that are visible in
    both, averaged over all steps. That of the original frames comes from errors of the flow and
    changes of light; only blurred or flat results are expected to be below it.
    """

    frame_count: int
    visible: float
    """Share of the pixels that are visible in both frames."""
    warping_errors: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON holds it."""
        return {
            "frame_count": self.frame_count,
            "visible": self.visible,
            "warping_errors": dict(self.warping_errors),
        }


def warping_errors(
    frames: Sequence[Callable[[], Image.Image]],
    tracks: Mapping[str, FrameSource],
    *,
    on_frame: Callable[[int, int], None] | None = None,
) -> TemporalConsistency:
    """Measure the warping error of several tracks made from the same original frames.

    `frames` load the original frames one at a time; two frames of each track are in memory.
    `on_frame(done, total)` is called after each. Raises ValueError for fewer than two frames, for
    frames of different sizes, and if no pixel is visible in two successive frames.
    """
    if len(frames) < 2:
        raise ValueError(f"frames must be at least 2, got {len(frames)}")
    sums = dict.fromkeys([ORIGINAL, *tracks], 0.0)
    visible, earlier = 0.0, dict[str, Image.Image]()
    for place, load in enumerate(frames):
        original = load()
        now = {ORIGINAL: original}
        now |= {name: track(place, original) for name, track in tracks.items()}
        _check_sizes(now, earlier, place)
        if earlier:
            share, errors = _errors(earlier, now)
            if not share:
                raise ValueError(f"frames must be of one scene, got a cut after place {place - 1}")
            visible += share
            sums = {name: sums[name] + error for name, error in errors.items()}
        earlier = now
        if on_frame:
            on_frame(place + 1, len(frames))
    steps = len(frames) - 1
    means = {name: total / steps for name, total in sums.items()}
    return TemporalConsistency(len(frames), visible / steps, means)


def _errors(
    earlier: Mapping[str, Image.Image], now: Mapping[str, Image.Image]
) -> tuple[float, dict[str, float]]:
    before, after = (np.asarray(x[ORIGINAL].convert("RGB")) for x in (earlier, now))
    forward = flow_between(before, after)
    seen = visible_in_both(forward, flow_between(after, before))
    if not seen.any():
        return 0.0, {}
    errors: dict[str, float] = {}
    for name, image in now.items():
        difference = warp_back(_values(image), forward) - _values(earlier[name])
        errors[name] = float(np.square(difference[seen], dtype=np.float64).mean())
    return float(seen.mean()), errors


def _values(image: Image.Image) -> Float[np.ndarray, "h w 3"]:
    return np.asarray(image.convert("RGB"), dtype=np.float32) / 255


def _check_sizes(
    now: Mapping[str, Image.Image], earlier: Mapping[str, Image.Image], place: int
) -> None:
    width, height = (earlier or now)[ORIGINAL].size
    for name, image in now.items():
        if image.size != (width, height):
            raise ValueError(
                f"frames must all be {width}x{height}, got {image.width}x{image.height} at place "
                f"{place} of {name}"
            )
