"""Tiles: the pixels that each of them computes, and the window that it must see."""

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
    """Cut a rectangle of the padded picture into tiles of at most `size` px, or one cell, a side.

    The sides of tiles are multiples of `cell`, except at the far borders, and differ by at most
    one cell: a very thin last tile would have nothing inside to replicate its border from.
    Windows begin and end at multiples of `cell`, so that the features of a window are those of the
    picture, and extend `halo` px beyond the tile or to `bounds`, the height and width of the
    padded picture.
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
    cells = -(-(whole.stop - whole.start) // cell)
    count = -(-cells // max(1, size // cell))
    edges = [whole.start + index * cells // count * cell for index in range(count)]
    return [Span(*edge) for edge in zip(edges, [*edges[1:], whole.stop], strict=True)]


def _window(own: Span, halo: int, cell: int, limit: int) -> Span:
    # The halo is counted from the cells that the tile's own pixels lie in.
    halo = _up(halo, cell)
    start = own.start // cell * cell - halo
    return Span(max(0, start), min(limit, _up(own.stop, cell) + halo))


def _up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple
