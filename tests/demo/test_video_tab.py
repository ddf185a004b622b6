"""The tab for a short clip, in a real browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

pytest.importorskip("av", reason="needs PyAV")

import av

from demo.catalog import painting_path
from demo.interface import build_demo
from demo.messages import AbandonedError
from demo.studio import Studio
from demo.watched import check_request
from stylekernel_hf import stylize_video
from tests.accessibility import violations
from tests.demo.conftest import tiny_pipeline
from tests.demo.test_browser import (
    PHONE,
    TOO_SMALL,
    TOO_WIDE,
    UNNAMED,
    Visitor,
    in_last_window,
)
from tests.demo.visitor import until
from tests.video.clips import Clip, decode, save_clip

DESKTOP = {"width": 1440, "height": 900}
CHOOSE = "#clip [data-testid=upload-text]"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clip(
        tmp_path_factory.mktemp("clips") / "holiday.mp4",
        Clip(times=range(0, 240, 24), size=(96, 64), audio="aac"),
    )


@pytest.fixture(scope="module")
def desktop(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport=DESKTOP, accept_downloads=True)
    yield context
    context.close()


@pytest.fixture
def visitor(desktop: Any, url: str) -> Iterator[Visitor]:
    yield from in_last_window(desktop, url)


def open_tab(visitor: Visitor) -> None:
    visitor.page.get_by_role("tab", name="Video", exact=True).click()
    visitor.page.get_by_role("button", name="Stylize the clip").wait_for()


def test_clip_is_painted_plays_and_is_downloaded(
    visitor: Visitor, clip: Path, tmp_path: Path
) -> None:
    """In the painting of the first tab, with its sound."""
    page = visitor.page
    visitor.after(lambda: visitor.pick("Mosaic"))
    open_tab(visitor)
    page.get_by_text("In the style of Mosaic.").wait_for()
    visitor.screenshot("video-empty-desktop")
    visitor.choose(CHOOSE, clip)
    page.locator("#clip video").wait_for()
    page.get_by_role("button", name="Stylize the clip").click()
    shown = page.locator("#clip-result video")
    shown.wait_for()
    page.wait_for_function("() => document.querySelector('#clip-result video').readyState > 2")
    shown.evaluate("async (video) => { video.muted = true; await video.play(); }")
    page.wait_for_function("() => document.querySelector('#clip-result video').currentTime > 0.1")
    visitor.screenshot("video-desktop")
    with page.expect_download() as download:
        page.locator("#clip-result a[download]").first.click()
    assert download.value.suggested_filename == "holiday_mosaic.mp4"
    result = tmp_path / "result.mp4"
    download.value.save_as(result)
    stylize_video(tiny_pipeline(), clip, painting_path("Mosaic"), tmp_path / "expected.mp4")
    actual, expected = decode(result), decode(tmp_path / "expected.mp4")
    assert [*map(float, actual.times)] == pytest.approx([*map(float, expected.times)], abs=1e-3)
    for one, other in zip(actual.pictures, expected.pictures, strict=True):
        assert np.abs(one.astype(float) - other).mean() < 8
    with av.open(str(result)) as container:
        sound = [each.to_ndarray() for each in container.decode(audio=0)]
    assert np.abs(np.concatenate(sound, axis=1)).max() > 0.2
    assert visitor.problems == []


class Endless:
    """Stands in for the stylizing of a video, which never ends by itself."""

    def __init__(self) -> None:
        self.started, self.ended = False, False
        self.folder: Path | None = None

    def __call__(self, _: Any, clip: Path, *__: Any, on_frame: Any, **___: Any) -> None:
        self.folder, self.started = clip.parent, True
        try:
            while True:
                time.sleep(0.02)
                check_request()
        except AbandonedError:
            self.ended = True
            raise


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Endless:
    work = Endless()
    monkeypatch.setattr("demo.video.stylize_video", work)
    return work


def start(visitor: Visitor, clip: Path, work: Endless) -> None:
    open_tab(visitor)
    visitor.choose(CHOOSE, clip)
    visitor.page.locator("#clip video").wait_for()
    visitor.page.get_by_role("button", name="Stylize the clip").click()
    assert until(lambda: work.started), "the work has not begun"


def test_cancel_ends_the_work_and_deletes_its_files(
    visitor: Visitor, clip: Path, endless: Endless
) -> None:
    start(visitor, clip, endless)
    page = visitor.page
    page.locator("#clip-status").get_by_text("Stylizing 10 frames").wait_for()
    visitor.screenshot("video-working-desktop")
    cancel = page.locator("#clip-cancel")
    cancel.click()
    cancel.wait_for(state="hidden")
    assert until(lambda: endless.ended), "the server works on"
    assert endless.folder is not None
    assert until(lambda: not endless.folder.exists()), "its files stay"


def test_closed_page_ends_the_work(
    visitor: Visitor, clip: Path, endless: Endless, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.fair_queue._GONE", 1)
    start(visitor, clip, endless)
    visitor.page.close()
    assert until(lambda: endless.ended, 60), "the server works for nobody"


def test_mistakes_are_told_and_all_fits_a_phone(browser: Any, url: str, tmp_path: Path) -> None:
    context = browser.new_context(
        viewport=PHONE, has_touch=True, is_mobile=True, color_scheme="dark"
    )
    visitor = Visitor(context.new_page(), url)
    page = visitor.page
    open_tab(visitor)
    button = page.get_by_role("button", name="Stylize the clip")
    button.tap()
    page.get_by_role("alert").get_by_text("Choose or drop a clip first.").wait_for()
    (tmp_path / "diary.mp4").write_text("dear diary")
    visitor.choose(CHOOSE, tmp_path / "diary.mp4")
    page.locator("#clip video").wait_for(state="attached")
    button.tap()
    page.get_by_role("alert").get_by_text("“diary.mp4” is no video that can be read").wait_for()
    visitor.screenshot("video-message-touch")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate(TOO_SMALL) == []
    assert page.evaluate(UNNAMED) == []
    assert violations(page) == []
    context.close()


def test_clip_waits_with_the_full_sizes(app: gr.Blocks) -> None:
    lanes = {fn.api_name: (fn.concurrency_id, fn.concurrency_limit) for fn in app.fns.values()}
    assert lanes["stylize_video"] == lanes["full_size"] != lanes["stylize"]


def test_without_pyav_there_is_no_tab(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.interface._HAS_PYAV", False)
    page = build_demo(studio)
    names = {fn.api_name for fn in page.fns.values()}
    assert "stylize_folder" in names and "stylize_video" not in names
