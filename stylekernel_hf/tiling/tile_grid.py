"""Tiles: which pixels each of them paints, and which it must see."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """Consecutive rows or columns of the padded picture."""

    start: int
    stop: int


class Tile(NamedTuple):
    """A rectangle of own pixels inside a window with a halo around it."""

    rows: Span
    columns: Span
    window_rows: Span
    window_columns: Span


def grid(
    rows: Span, columns: Span, size: int, *, halo: int, cell: int, bounds: tuple[int, int]
) -> list[Tile]:
    """Cut a rectangle of the padded picture into tiles of at most `size` px a side.

    Tiles are nearly equal, and their sides multiples of `cell` except at the far borders. Windows
    begin and end at multiples of `cell`, so that the features of a window are the picture's own,
    and reach `halo` px beyond the tile or to the border: the padded picture has `bounds` (height
    and width, of which the network sees nothing beyond).
    """
    return [
        Tile(
            down,
            across,
            _window(down, halo, cell, bounds[0]),
            _window(across, halo, cell, bounds[1]),
        )
        for down in _spans(rows, size, cell)
        for across in _spans(columns, size, cell)
    ]


def _spans(whole: Span, size: int, cell: int) -> list[Span]:
    length = whole.stop - whole.start
    count = -(-length // size)
    step = _up(-(-length // count), cell)
    return [
        Span(start, min(start + step, whole.stop)) for start in range(whole.start, whole.stop, step)
    ]


def _window(own: Span, halo: int, cell: int, limit: int) -> Span:
    # First out to whole cells: the halo is reckoned from the features that own pixels are in.
    halo = _up(halo, cell)
    start = own.start // cell * cell - halo
    return Span(max(0, start), min(limit, _up(own.stop, cell) + halo))


def _up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple
