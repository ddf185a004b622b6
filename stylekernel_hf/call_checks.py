"""The checks of a call's options: errors that name the argument, what is required and what came."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast


def check_strength(strength: object) -> None:
    """A number must lie in [0, 1]; anything else is taken for a map, and read later."""
    if isinstance(strength, int | float) and not (math.isfinite(strength) and 0 <= strength <= 1):
        raise ValueError(f"strength must lie in [0, 1], got {strength}")
    if strength is None or isinstance(strength, bool | list | tuple | dict):
        raise TypeError(
            f"strength must be a number or an image (a map), got {type(strength).__name__}"
        )


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """The value must be one of the choices."""
    if value not in choices:
        listed = ", ".join(map(repr, choices[:-1])) + f" or {choices[-1]!r}"
        raise ValueError(f"{name} must be {listed}, got {value!r}")


def check_style_size(style_size: int | None) -> None:
    """The short side of style images, in px."""
    if style_size is not None and not 64 <= style_size <= 4096:
        raise ValueError(f"style_size must lie in [64, 4096] px or be None, got {style_size}")


def check_combination(
    styles: int,
    contents: int,
    weights: Sequence[float] | None,
    masks: Sequence[Any] | None,
) -> None:
    """So many styles, with these weights or masks, must make sense for so many contents."""
    if styles == 0:
        raise ValueError("style must be at least one image, got none")
    if weights is not None and masks is not None:
        raise ValueError("style_weights and masks exclude each other: got both")
    if weights is not None:
        _check_weights(weights, styles)
    elif masks is not None:
        if not isinstance(cast(object, masks), list | tuple):
            raise TypeError(f"masks must be a list of images, got {type(masks).__name__}")
        if len(masks) != styles:
            raise ValueError(
                f"masks must be one image per style, got {len(masks)} for {styles} styles"
            )
    elif styles not in (1, contents):
        raise ValueError(
            f"style must be one image or one per content: got {styles} styles for {contents} "
            "contents (style_weights mixes several)"
        )


def _check_weights(weights: Sequence[float], styles: int) -> None:
    for index, weight in enumerate(weights):
        if not isinstance(cast(object, weight), int | float):
            raise TypeError(f"style_weights[{index}] must be a number, got {type(weight).__name__}")
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"style_weights[{index}] must be at least 0, got {weight}")
    if len(weights) != styles:
        raise ValueError(
            f"style_weights must be one number per style, got {len(weights)} for {styles} styles"
        )
    if sum(weights) <= 0:
        raise ValueError(f"style_weights must sum to more than 0, got {list(weights)}")
