"""Motion between frames, by OpenCV's DIS optical flow (Kroeger et al., 2016)."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8

from stylekernel_hf.errors.messages import extra_required

# Forward and backward flow disagree where something is hidden in one of the frames. The bound is
# that of Sundaram et al. (2010): a share of the squared motion plus a constant.
_MOTION_SHARE = 0.01
_FREE_DISAGREEMENT = 0.5


def flow_between(
    frame: UInt8[np.ndarray, "h w 3"], following: UInt8[np.ndarray, "h w 3"]
) -> Float[np.ndarray, "h w 2"]:
    """Return how far every pixel of `frame` moves until `following`, in px to the right and down.

    Raises ImportError without OpenCV.
    """
    cv2 = opencv()
    grey = [cv2.cvtColor(x, cv2.COLOR_RGB2GRAY) for x in (frame, following)]
    return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*grey, None)


def warp_back(
    following: Float[np.ndarray, "h w c"], flow: Float[np.ndarray, "h w 2"]
) -> Float[np.ndarray, "h w c"]:
    """Sample `following`, bilinearly, at the place to which every pixel moved."""
    places = _destinations(flow)
    border = {"interpolation": opencv().INTER_LINEAR, "borderMode": opencv().BORDER_REPLICATE}
    return opencv().remap(following, places, None, **border)


def visible_in_both(
    forward: Float[np.ndarray, "h w 2"], backward: Float[np.ndarray, "h w 2"]
) -> Bool[np.ndarray, "h w"]:
    """Return a mask of the pixels that are visible in the following frame, too."""
    returned = warp_back(backward, forward)
    disagreement = np.square(forward + returned).sum(axis=2)
    motion = np.square(forward).sum(axis=2) + np.square(returned).sum(axis=2)
    return seen_inside(forward) & (disagreement <= _MOTION_SHARE * motion + _FREE_DISAGREEMENT)


def seen_inside(flow: Float[np.ndarray, "h w 2"]) -> Bool[np.ndarray, "h w"]:
    """Return a mask of the pixels that do not leave the frame."""
    height, width = flow.shape[:2]
    x, y = np.moveaxis(_destinations(flow), 2, 0)
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def _destinations(flow: Float[np.ndarray, "h w 2"]) -> Float[np.ndarray, "h w 2"]:
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]]
    return flow + np.stack([x, y], axis=2).astype(np.float32)


def opencv() -> Any:
    """Return OpenCV's module. Raises ImportError without it."""
    with extra_required("video", "optical flow", "opencv-python-headless"):
        import cv2
    return cv2
