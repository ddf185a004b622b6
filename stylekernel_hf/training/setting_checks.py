"""The checks that the settings of all kinds of runs share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from stylekernel_hf.errors.given_values import as_boolean, as_float, as_integer, plain_number

# Parts of the network by the names of its modules, in its order.
PARTS = (
    "content_encoder",
    "style_encoder",
    "style_code",
    "style_alignment",
    "modulations",
    "kernel_generators",
    "decoder",
)


def make_plain(settings: Any, *, suffix: str = "") -> None:
    """Make the numbers and booleans of a frozen dataclass Python's own.

    TypeError or ValueError with the name of the field, and the suffix, for what is no such value.
    """
    for field in fields(settings):
        name, value = field.name + suffix, getattr(settings, field.name)
        plain: object = value
        if field.type == "int":
            plain = as_integer(value, name)
        elif field.type == "float":
            as_float(value, name)
            plain = plain_number(value)  # An integer stays one: logs and plans show it so.
        elif field.type == "bool":
            plain = as_boolean(value, name)
        object.__setattr__(settings, field.name, plain)


def check_counts(**counts: int) -> None:
    """Each must be at least 1."""
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")


def check_fixed(parts: Sequence[str]) -> None:
    """Each must name another part of the network, and one must be left."""
    known = ", ".join(PARTS)
    for part in parts:
        if part not in PARTS:
            raise ValueError(f"fixed must name parts of the network ({known}), got {part!r}")
    if not set(PARTS) - set(parts):
        raise ValueError(f"fixed must leave a part of the network to train ({known}), got all")


def check_color_augmentation(color_augmentation: float) -> None:
    """A share of the crops."""
    if not 0 <= color_augmentation <= 1:
        raise ValueError(f"color_augmentation must lie in [0, 1], got {color_augmentation}")


def check_learning_rate(learning_rate: float) -> None:
    """The peak of a schedule."""
    if not learning_rate > 0:
        raise ValueError(f"learning_rate must be positive, got {learning_rate}")
