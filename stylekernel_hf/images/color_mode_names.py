"""The names of the colour modes; see `color_modes`."""

from __future__ import annotations

from typing import Literal, TypeAlias

ColorMode: TypeAlias = Literal["style", "luminance", "statistics", "transfer"]
COLOR_MODES: tuple[ColorMode, ...] = ("style", "luminance", "statistics", "transfer")
