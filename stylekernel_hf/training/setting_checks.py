"""The checks that the settings of all kinds of runs share."""

from __future__ import annotations


def check_counts(**counts: int) -> None:
    """Each must be at least 1."""
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")


def check_color_augmentation(color_augmentation: float) -> None:
    """A share of the crops."""
    if not 0 <= color_augmentation <= 1:
        raise ValueError(f"color_augmentation must lie in [0, 1], got {color_augmentation}")


def check_learning_rate(learning_rate: float) -> None:
    """The peak of a schedule."""
    if not learning_rate > 0:
        raise ValueError(f"learning_rate must be positive, got {learning_rate}")
