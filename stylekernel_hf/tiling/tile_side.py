"""Which sides a tile may have."""

from __future__ import annotations

from stylekernel_hf.errors.given_values import plain_number, shown

MIN_TILE_SIZE = 64


def check_tile_size(tile_size: object, stride: int) -> int | None:
    """Return a tile size as a plain integer, or None for automatic; TypeError or ValueError."""
    if tile_size is None:
        return None
    side = plain_number(tile_size)
    if not isinstance(side, int):
        raise TypeError(f"tile_size must be an integer or None, got {type(tile_size).__name__}")
    if side < MIN_TILE_SIZE or side % stride:
        raise ValueError(
            f"tile_size must be a multiple of {stride} px and at least {MIN_TILE_SIZE}, "
            f"got {shown(side)}"
        )
    return side


def largest_tile_size(side: int, stride: int) -> int:
    """Return the largest valid tile size of at most `side` px, or the smallest valid one."""
    smallest = -(-MIN_TILE_SIZE // stride) * stride
    return max(smallest, side // stride * stride)
