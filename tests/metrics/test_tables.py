"""Markdown tables of metrics."""

from __future__ import annotations

import pytest

from stylekernel_hf.metrics.tables import markdown_table, metrics_table


def test_columns_line_up_labels_left_and_numbers_right() -> None:
    expected = "| frames  | error |\n|:--------|------:|\n| a       |   0.5 |\n| painted | 12.25 |"
    assert markdown_table(["frames", "error"], [["a", "0.5"], ["painted", "12.25"]]) == expected


def test_rows_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        markdown_table(["frames", "error"], [["a"]])


def test_metrics_have_four_decimals_and_the_headings_of_the_field() -> None:
    rows = {
        "mine": {"content": 0.98765, "ssim": 0.5, "art_fid": 12345.6},
        "pasted": {"content": 2.0, "ssim": -0.01},
    }
    expected = (
        "| 3 pairs | content |    SSIM |     ArtFID |\n"
        "|:--------|--------:|--------:|-----------:|\n"
        "| mine    |  0.9877 |  0.5000 | 12345.6000 |\n"
        "| pasted  |  2.0000 | -0.0100 |          - |"
    )
    assert metrics_table(rows, title="3 pairs") == expected
