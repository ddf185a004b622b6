"""Reports, curves and comparison sheets of evaluations made by hand."""

import base64
import io
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from stylekernel_hf.evaluation.comparison_sheet import comparison_sheet
from stylekernel_hf.evaluation.curve import draw_curve
from stylekernel_hf.evaluation.evaluation_result import Evaluation, KeptImages, PairScore
from stylekernel_hf.evaluation.report import badness, render_report
from stylekernel_hf.images.contact_sheet import GAP
from stylekernel_hf.metrics.pair_metrics import Metrics

CELL = 40
NAMES = ("a<b>.png", "b&c.png")


def plain(*color: int) -> Image.Image:
    return Image.new("RGB", (CELL, CELL), color)


def sample(model: str, strength: float, content: float, red: int) -> Evaluation:
    """Two pairs, the second the worse one."""
    pairs = (
        PairScore(NAMES[0], "x.png", Metrics(content, 0.25, 0.5)),
        PairScore(NAMES[1], "y.png", Metrics(content + 0.5, 0.5, 0.25)),
    )
    images = KeptImages(
        {0: plain(0, 50, 0), 1: plain(0, 60, 0)},
        {2: plain(0, 0, 70), 5: plain(0, 0, 80)},
        {(0, 2): plain(red, 0, 0), (1, 5): plain(red + 5, 0, 0)},
    )
    trivial = Metrics(0.0, 1.0, 1.0), Metrics(2.0, 0.0, 0.125)
    return Evaluation(model, strength, 64, pairs, *trivial, images=images)


def several() -> list[Evaluation]:
    return [sample("one", 0.5, 0.25, 100), sample("two<script>", 0.5, 0.75, 200)]


class Page(HTMLParser):
    """What a browser would make of a report, as far as the tests need it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append(tag)
        self.sources += [named["src"] or ""] if "src" in named else []
        self.links += [named["href"] or ""] if "href" in named else []
        if tag == "table":
            self._rows = self.tables.setdefault(named["id"] or "", [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self._rows[-1][-1] += data

    def pictures(self) -> list[Image.Image]:
        parts = [x.partition(";base64,") for x in self.sources]
        return [
            Image.open(io.BytesIO(base64.b64decode(data)))
            for kind, _, data in parts
            if kind == "data:image/jpeg"
        ]


def report(evaluations: list[Evaluation]) -> str:
    return render_report(evaluations, command="evaluate '<x>'", versions={"torch": "9.9"})


# The report


def test_the_report_opens_without_any_other_file() -> None:
    page = Page(report(several()))
    assert page.sources and not page.links
    assert all(source.startswith("data:image/") for source in page.sources)
    assert "link" not in page.tags and "iframe" not in page.tags


def test_the_summary_has_every_metric_of_every_candidate_and_the_trivial_results() -> None:
    summary = Page(report(several())).tables["summary"]
    assert summary == [
        ["mean", "content", "style", "SSIM"],
        ["one", "0.5000", "0.3750", "0.3750"],
        ["two<script>", "1.0000", "0.3750", "0.3750"],
        ["content unchanged", "0.0000", "1.0000", "1.0000"],
        ["style pasted", "2.0000", "0.0000", "0.1250"],
    ]


def test_pairs_come_worst_first() -> None:
    rows = Page(report(several())).tables["pairs"]
    assert rows[0] == ["scored", "photo", "painting", "content", "style", "SSIM", "badness"]
    # Content / 2 + style / 1.
    assert [(row[0], row[1], row[-1]) for row in rows[1:]] == [
        ("two<script>", NAMES[1], "1.1250"),
        ("one", NAMES[1], "0.8750"),
        ("two<script>", NAMES[0], "0.6250"),
        ("one", NAMES[0], "0.3750"),
    ]


def test_names_and_the_command_cannot_become_markup() -> None:
    text = report(several())
    assert Page(text).tags.count("script") == 1
    assert "two<script>" not in text and "a<b>" not in text and "'<x>'" not in text
    assert "b&amp;c.png" in text


def test_the_worst_pair_s_pictures_come_first() -> None:
    pictures = Page(report(several())).pictures()
    middles = [picture.getpixel((20, 20)) for picture in pictures[:4]]
    expected = [(0, 60, 0), (0, 0, 80), (105, 0, 0), (205, 0, 0)]
    assert np.abs(np.subtract(middles, expected)).max() <= 4  # JPEG


def test_a_single_candidate_has_one_sheet_and_no_curve() -> None:
    page = Page(report([sample("one", 1.0, 0.25, 100)]))
    assert len(page.pictures()) == 2 * 3 + 1
    assert not any("svg" in source[:30] for source in page.sources)
    assert page.tables["pairs"][0][0] == "photo"


def test_without_matplotlib_the_report_says_that_the_curve_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "Not drawn" not in report(several())
    monkeypatch.setattr("stylekernel_hf.evaluation.report.find_spec", lambda name: None)
    assert "Not drawn: it needs matplotlib" in report(several())


def test_a_report_needs_kept_images() -> None:
    kept = sample("one", 1.0, 0.25, 100)
    bare = Evaluation("one", 1.0, 64, kept.pairs, kept.content_unchanged, kept.style_pasted)
    with pytest.raises(ValueError, match="keep_images must be true"):
        report([bare])


def test_trivial_results_are_equally_bad() -> None:
    evaluation = sample("one", 1.0, 0.25, 100)
    trivial = evaluation.content_unchanged, evaluation.style_pasted
    assert [badness(each, evaluation) for each in trivial] == [1, 1]


# The curve


def test_the_curve_goes_through_every_strength_in_rising_order() -> None:
    sweep = [sample("m", strength, strength, 0) for strength in (1.0, 0.0, 0.5)]
    svg = draw_curve(sweep, image_format="svg").decode()
    # The first line drawn, above the grid's, has the three means at their places from left to
    # right on screen... all have the same style distance, so that only heights tell them apart.
    paths = re.findall(r'<path d="([^"]+)" clip-path[^>]+stroke-width: 1.5', svg)
    assert len(paths) == 1
    heights = [float(y) for y in re.findall(r"[ML] \S+ (\S+)", paths[0])]
    assert len(heights) == 3
    assert heights[0] > heights[1] > heights[2]  # SVG counts downwards.
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], rel=1e-3)


def test_the_curve_is_the_same_file_each_time_and_png_as_well() -> None:
    assert draw_curve(several(), image_format="svg") == draw_curve(several(), image_format="svg")
    png = Image.open(io.BytesIO(draw_curve(several(), image_format="png")))
    assert (png.format, png.width) == ("PNG", 960)


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"matplotlib.*stylekernel-hf\[plot\]"):
        draw_curve(several(), image_format="png")


# The comparison sheet


def test_a_row_shows_content_style_and_every_candidate_s_result() -> None:
    sheet = comparison_sheet(several(), rows=9, cell=CELL)
    step = CELL + GAP
    assert sheet.width == 4 * step + GAP
    # From below, where no caption is.
    rows = [sheet.height - GAP - CELL // 2 - step, sheet.height - GAP - CELL // 2]
    colors = [
        [sheet.getpixel((GAP + column * step + CELL // 2, y)) for column in range(4)] for y in rows
    ]
    assert colors == [
        [(0, 50, 0), (0, 0, 70), (100, 0, 0), (200, 0, 0)],
        [(0, 60, 0), (0, 0, 80), (105, 0, 0), (205, 0, 0)],
    ]
    assert sheet.height == 2 * step + 24 + GAP


def test_captions_stand_over_their_columns() -> None:
    sheet = np.asarray(comparison_sheet(several(), rows=1, cell=CELL).convert("L"))
    step = CELL + GAP
    for column in range(4):
        above = sheet[:20, GAP + column * step : (column + 1) * step]
        assert (above < 128).any()


def test_a_comparison_needs_kept_images_and_a_row() -> None:
    kept = sample("one", 1.0, 0.25, 100)
    bare = Evaluation("one", 1.0, 64, kept.pairs, kept.content_unchanged, kept.style_pasted)
    with pytest.raises(ValueError, match="keep_images must be true"):
        comparison_sheet([kept, bare], rows=1)
    with pytest.raises(ValueError, match="rows must be at least 1, got 0"):
        comparison_sheet([kept], rows=0)
