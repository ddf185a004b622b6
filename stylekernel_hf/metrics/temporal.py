"""Temporal consistency of stylized frames: what changes from frame to frame beside the motion."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image

from stylekernel_hf.metrics.optical_flow import flow_between, visible_in_both, warp_back

FrameSource: TypeAlias = Callable[[int, Image.Image], Image.Image]
"""Returns a track's frame for the index and the original frame; both have the same size."""

Similarity: TypeAlias = Callable[[Float[np.ndarray, "h w 3"], Float[np.ndarray, "h w 3"]], float]
"""Compares two pictures in [0, 1], RGB; 0 for the same."""

Motion: TypeAlias = tuple[Float[np.ndarray, "h w 2"], Bool[np.ndarray, "h w"]]
"""How far every pixel moves, in px to the right and down, and whether both frames show it."""

MotionSource: TypeAlias = Callable[[int, int, Image.Image, Image.Image], Motion]
"""Returns the motion between two original frames, whose places come first."""

ORIGINAL = "original frames"
DISTANCES = (1, 10)
"""How many frames apart the frames are that are compared."""


@dataclass(frozen=True)
class FrameChange:
    """How much frames of one distance differ, beside the motion, on average over all pairs.

    `rmse` is the root of the mean squared difference of RGB in [0, 1], over the pixels that are
    visible in both. `perceptual` compares the whole pictures, with pixels that are hidden in one
    of them made equal; None where no measure was given.
    """

    rmse: float
    perceptual: float | None


@dataclass(frozen=True)
class TemporalConsistency:
    """The warping error of each track of frames, that of the original frames first.

    A warping error (Lai et al., 2018) is the mean squared difference of RGB in [0, 1] between a
    frame and the next one, moved back along the motion of the original frames, over the pixels
    that are visible in both, averaged over all steps. That of the original frames comes from
    errors of the flow and changes of light; only blurred or flat results are expected to be below
    it.
    """

    frame_count: int
    visible: float
    """Share of the pixels that are visible in both frames."""
    warping_errors: Mapping[str, float]
    changes: Mapping[str, Mapping[int, FrameChange]] = field(default_factory=dict)
    """The changes of each track by distance in frames, as far as the clip is long enough."""

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON holds it."""
        return {
            "frame_count": self.frame_count,
            "visible": self.visible,
            "warping_errors": dict(self.warping_errors),
            "changes": {
                name: {
                    str(distance): {"rmse": change.rmse, "perceptual": change.perceptual}
                    for distance, change in changes.items()
                }
                for name, changes in self.changes.items()
            },
        }


def estimated_motion(_: int, __: int, earlier: Image.Image, later: Image.Image) -> Motion:
    """Estimate the motion by optical flow. Raises ImportError without OpenCV."""
    before, after = (np.asarray(each.convert("RGB")) for each in (earlier, later))
    forward = flow_between(before, after)
    return forward, visible_in_both(forward, flow_between(after, before))


def warping_errors(
    frames: Sequence[Callable[[], Image.Image]],
    tracks: Mapping[str, FrameSource],
    *,
    motion: MotionSource = estimated_motion,
    similarity: Similarity | None = None,
    on_frame: Callable[[int, int], None] | None = None,
) -> TemporalConsistency:
    """Measure the warping error of several tracks made from the same original frames.

    `frames` load the original frames, one at a time and in order; eleven frames of each track are
    in memory. `motion` tells how they move. `similarity` is the perceptual measure of the changes.
    `on_frame(done, total)` is called after each. Raises ValueError for fewer than two frames, for
    frames of different sizes, and if no pixel is visible in two successive frames.
    """
    if len(frames) < 2:
        raise ValueError(f"frames must be at least 2, got {len(frames)}")
    tallies = {distance: _Tally(motion, similarity) for distance in DISTANCES}
    before: deque[dict[str, Image.Image]] = deque(maxlen=max(DISTANCES))
    for place, load in enumerate(frames):
        original = load()
        now = {ORIGINAL: original}
        now |= {name: track(place, original) for name, track in tracks.items()}
        _check_sizes(now, before[0] if before else {}, place)
        for distance, tally in tallies.items():
            if distance > len(before):
                continue
            if not tally.add(before[-distance], now, place, distance) and distance == 1:
                raise ValueError(f"frames must be of one scene, got a cut after place {place - 1}")
        before.append(now)
        if on_frame:
            on_frame(place + 1, len(frames))
    names, steps = [ORIGINAL, *tracks], tallies[1]
    found = {distance: tally for distance, tally in tallies.items() if tally.pairs}
    return TemporalConsistency(
        len(frames),
        steps.visible / steps.pairs,
        {name: steps.squares[name] / steps.pairs for name in names},
        {name: {at: tally.change(name) for at, tally in found.items()} for name in names},
    )


def mean_consistency(clips: Sequence[TemporalConsistency]) -> TemporalConsistency:
    """Return the means over several clips of the same tracks; the frames are added up."""
    first, count = clips[0], len(clips)
    return TemporalConsistency(
        sum(clip.frame_count for clip in clips),
        sum(clip.visible for clip in clips) / count,
        {name: sum(x.warping_errors[name] for x in clips) / count for name in first.warping_errors},
        {
            name: {at: _mean_change([clip.changes[name][at] for clip in clips]) for at in changes}
            for name, changes in first.changes.items()
        },
    )


def _mean_change(changes: Sequence[FrameChange]) -> FrameChange:
    perceptual = [each.perceptual for each in changes if each.perceptual is not None]
    return FrameChange(
        sum(each.rmse for each in changes) / len(changes),
        sum(perceptual) / len(perceptual) if perceptual else None,
    )


class _Tally:
    """Sums over the pairs of frames of one distance."""

    def __init__(self, motion: MotionSource, similarity: Similarity | None) -> None:
        self._motion = motion
        self._similarity = similarity
        self.pairs = 0
        self.visible = 0.0
        self.squares: dict[str, float] = defaultdict(float)
        self._roots: dict[str, float] = defaultdict(float)
        self._perceptual: dict[str, float] = defaultdict(float)

    def add(
        self,
        earlier: Mapping[str, Image.Image],
        now: Mapping[str, Image.Image],
        place: int,
        distance: int,
    ) -> bool:
        """Compare two frames of every track; says whether they show anything in common."""
        frames = earlier[ORIGINAL], now[ORIGINAL]
        forward, seen = self._motion(place - distance, place, *frames)
        if not seen.any():
            return False
        self.pairs += 1
        self.visible += float(seen.mean())
        for name, image in now.items():
            self._compare(name, _values(earlier[name]), warp_back(_values(image), forward), seen)
        return True

    def _compare(
        self,
        name: str,
        before: Float[np.ndarray, "h w 3"],
        moved: Float[np.ndarray, "h w 3"],
        seen: Bool[np.ndarray, "h w"],
    ) -> None:
        error = float(np.square((moved - before)[seen], dtype=np.float64).mean())
        self.squares[name] += error
        self._roots[name] += error**0.5
        if self._similarity is not None:
            moved = np.where(seen[..., None], moved, before)
            self._perceptual[name] += self._similarity(moved, before)

    def change(self, name: str) -> FrameChange:
        """Return the means of a track."""
        perceptual = self._perceptual[name] / self.pairs if self._similarity else None
        return FrameChange(self._roots[name] / self.pairs, perceptual)


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
