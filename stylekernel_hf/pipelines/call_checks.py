"""Checks of a call's options; errors name the argument, the requirement and the value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

from stylekernel_hf.errors.given_values import as_float, as_list, plain_number, shown


def check_strength(strength: Any) -> Any:
    """Return a number in [0, 1] as a float; anything else is a map, which is read later."""
    number = plain_number(strength)
    if number is not None:
        if not 0 <= number <= 1:  # NaN fails, too.
            raise ValueError(f"strength must lie in [0, 1], got {shown(number)}")
        return float(number)
    is_scalar = getattr(strength, "ndim", None) == 0  # A boolean of NumPy or torch.
    if strength is None or is_scalar or isinstance(strength, bool | list | tuple | dict):
        raise TypeError(
            f"strength must be a number or an image (a map), got {type(strength).__name__}"
        )
    return strength


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Raise ValueError unless the value is one of the choices."""
    if value not in choices:
        listed = ", ".join(map(repr, choices[:-1])) + f" or {choices[-1]!r}"
        raise ValueError(f"{name} must be {listed}, got {value!r}")


def check_style_size(style_size: Any) -> int | None:
    """Return the short side of paintings in px, or None, as a plain integer."""
    if style_size is None:
        return None
    number = plain_number(style_size)
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if not isinstance(number, int):
        raise TypeError(f"style_size must be an integer or None, got {shown(style_size)}")
    if not 64 <= number <= 4096:
        raise ValueError(f"style_size must lie in [64, 4096] px or be None, got {shown(number)}")
    return number


def check_stroke_scale(stroke_scale: object) -> float:
    """Return the width of strokes as a float; TypeError or ValueError for none from 0.5 to 4."""
    number = as_float(stroke_scale, "stroke_scale")
    if not 0.5 <= number <= 4:
        raise ValueError(f"stroke_scale must lie in [0.5, 4], got {shown(number)}")
    return number


def check_combination(
    styles: int,
    contents: int,
    weights: Any,
    masks: Sequence[Any] | None,
) -> list[float] | None:
    """Check that the numbers of styles, weights, masks and contents agree.

    Returns the weights as floats.
    """
    if styles == 0:
        raise ValueError("style must be at least one image, got none")
    if weights is not None and masks is not None:
        raise ValueError("style_weights and masks exclude each other: got both")
    if weights is not None:
        return _read_weights(weights, styles)
    if masks is not None:
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
    return None


def _read_weights(weights: object, styles: int) -> list[float]:
    given = as_list(weights, "style_weights", "numbers")
    read = [as_float(weight, f"style_weights[{index}]") for index, weight in enumerate(given)]
    for index, weight in enumerate(read):
        if weight < 0:
            raise ValueError(f"style_weights[{index}] must be at least 0, got {weight}")
    if len(read) != styles:
        raise ValueError(
            f"style_weights must be one number per style, got {len(read)} for {styles} styles"
        )
    if not 0 < sum(read) < math.inf:
        raise ValueError(f"style_weights must sum to more than 0, and finitely, got {shown(read)}")
    return read
