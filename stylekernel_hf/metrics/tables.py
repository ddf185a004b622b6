"""Markdown tables, which line up as plain text too, and the headings of metrics in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_HEADINGS = {"ssim": "SSIM", "cfsd": "CFSD", "lpips": "LPIPS", "fid": "FID", "art_fid": "ArtFID"}


def heading(name: str) -> str:
    """Return the heading of a metric's column."""
    return _HEADINGS.get(name, name)


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table whose first column is aligned left and whose other columns are aligned right.

    Every row needs one cell for each heading.
    """
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    rules = [
        f":{'-' * (width + 1)}" if i == 0 else f"{'-' * (width + 1)}:"
        for i, width in enumerate(widths)
    ]
    lines = [_line(headings, widths), f"|{'|'.join(rules)}|"]
    return "\n".join([*lines, *(_line(row, widths) for row in rows)])


def metrics_table(rows: Mapping[str, Mapping[str, float]], *, title: str = "") -> str:
    """Write the metrics of labelled results as a table; `title` is the heading of the labels.

    The columns are those of the first row; a row that lacks one of them shows a dash.
    """
    names = list(next(iter(rows.values())))
    lines = [
        [label, *(f"{metrics[name]:7.4f}" if name in metrics else "-" for name in names)]
        for label, metrics in rows.items()
    ]
    return markdown_table([title, *map(heading, names)], lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    padded = [f"{first[0]:{first[1]}}", *(f"{cell:>{width}}" for cell, width in others)]
    return f"| {' | '.join(padded)} |"
