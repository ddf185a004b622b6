"""The tab that stylizes what a camera sees, in a real browser with a camera made by code."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("av", reason="needs PyAV")

from demo.catalog import painting_path
from demo.messages import VisitorError
from demo.streams import Stream, Streams
from demo.studio import Studio
from stylekernel_hf import LiveStylizer
from tests.accessibility import violations
from tests.chromium import launched
from tests.demo.conftest import tiny_pipeline
from tests.demo.pictures import difference
from tests.demo.test_browser import (
    PHONE,
    TOO_SMALL,
    TOO_WIDE,
    UNNAMED,
    Visitor,
    in_last_window,
)
from tests.demo.visitor import until

SIZE = (160, 120)


@pytest.fixture(scope="module")
def camera_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser whose camera shows one grey picture, light on the right."""
    width, height = SIZE
    film = tmp_path_factory.mktemp("camera") / "film.y4m"
    luma = np.tile(np.linspace(60, 200, width).round().astype(np.uint8), (height, 1))
    frame = b"FRAME\n" + luma.tobytes() + bytes([128]) * (width * height // 2)
    film.write_bytes(f"YUV4MPEG2 W{width} H{height} F10:1 Ip C420\n".encode() + 10 * frame)
    with launched(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ) as running:
        yield running


@pytest.fixture(scope="module")
def desktop(camera_browser: Any) -> Iterator[Any]:
    context = camera_browser.new_context(viewport={"width": 1440, "height": 900})
    yield context
    context.close()


@pytest.fixture
def visitor(desktop: Any, url: str) -> Iterator[Visitor]:
    yield from in_last_window(desktop, url)


def open_tab(visitor: Visitor) -> Any:
    visitor.page.get_by_role("tab", name="Camera", exact=True).click()
    button = visitor.page.get_by_role("button", name="Start the camera")
    button.wait_for()
    return button


def canvas(visitor: Visitor) -> Image.Image:
    data = visitor.page.evaluate("document.querySelector('.camera canvas').toDataURL('image/png')")
    return Image.open(io.BytesIO(base64.b64decode(data.split(",")[1]))).convert("RGB")


def test_camera_is_stylized_until_it_is_stopped(
    visitor: Visitor, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the painting of the first tab, which is read once and not for every picture."""
    mixed: list[Any] = []
    real = Studio.mix
    monkeypatch.setattr(Studio, "mix", lambda *it: mixed.append(it) or real(*it))
    page = visitor.page
    visitor.after(lambda: visitor.pick("Mosaic"))
    mixed.clear()
    button = open_tab(visitor)
    page.get_by_text("In the style of Mosaic.").locator("visible=true").wait_for()
    visitor.screenshot("camera-off-desktop")
    button.click()
    page.locator(".camera[data-state=on]").wait_for()
    page.get_by_text("pictures a second").wait_for()
    first = page.locator(".rate").inner_text()
    page.wait_for_function(
        "(first) => document.querySelector('.rate').innerText !== first", arg=first
    )
    visitor.screenshot("camera-on-desktop")
    width, height = SIZE
    grey = (np.linspace(60, 200, width) - 16) * 255 / 219
    seen = Image.fromarray(np.tile(grey.round().astype(np.uint8), (height, 1))).convert("RGB")
    expected = LiveStylizer(tiny_pipeline(), painting_path("Mosaic")).stylize(seen, 0.0)
    assert difference(canvas(visitor), expected) < 8 < difference(canvas(visitor), seen)
    assert len(mixed) == 1 and len(studio.streams) == 1
    page.get_by_role("button", name="Stop the camera").click()
    assert until(lambda: not len(studio.streams)), "the server waits for pictures"
    button.wait_for()
    assert page.evaluate("document.querySelector('.camera video').srcObject") is None
    assert visitor.problems == []


def test_refused_camera_is_told_in_words(visitor: Visitor) -> None:
    page = visitor.page
    page.evaluate(
        """() => {
            const refused = new DOMException("", "NotAllowedError");
            navigator.mediaDevices.getUserMedia = () => Promise.reject(refused);
        }"""
    )
    open_tab(visitor).click()
    page.get_by_role("alert").get_by_text("The camera was not allowed").wait_for()


def test_too_many_cameras_are_told_and_a_closed_page_makes_room(
    camera_browser: Any,
    visitor: Visitor,
    url: str,
    studio: Studio,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("demo.fair_queue._GONE", 1)
    monkeypatch.setattr(studio.streams, "_most", 1)
    open_tab(visitor).click()
    visitor.page.locator(".camera[data-state=on]").wait_for()
    context = camera_browser.new_context(
        viewport=PHONE, has_touch=True, is_mobile=True, color_scheme="dark"
    )
    second = Visitor(context.new_page(), url)
    page = second.page
    open_tab(second).tap()
    page.get_by_role("alert").get_by_text(
        "As many cameras as can be served run here now"
    ).wait_for()
    page.locator(".camera[data-state=off]").wait_for()
    second.screenshot("camera-message-touch")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert page.evaluate(TOO_WIDE) == [] and page.evaluate(TOO_SMALL) == []
    assert page.evaluate(UNNAMED) == []
    assert violations(page) == []
    visitor.page.close()
    assert until(lambda: not len(studio.streams), 60), "the camera of nobody runs on"
    context.close()


def test_newer_picture_takes_the_place_of_one_that_waits() -> None:
    stream = Stream()
    first, second = stream.offer(b"first"), stream.offer(b"second")
    assert first.result(timeout=1) is None
    shot = stream.take(0.1)
    assert shot is not None and shot.data == b"second"
    shot.end(b"stylized")
    assert second.result(timeout=1) == b"stylized"
    waiting = stream.offer(b"third")
    stream.close()
    assert waiting.result(timeout=1) is None
    assert stream.offer(b"late").result(timeout=1) is None


def test_cameras_are_bounded_and_forgotten() -> None:
    streams = Streams(1)
    with streams.open() as stream:
        assert streams.find(stream.name) is stream
        with pytest.raises(VisitorError, match="As many cameras"), streams.open():
            pass
    assert len(streams) == 0 and streams.find(stream.name) is None


def test_pictures_are_taken_of_running_cameras_and_of_bounded_size(
    url: str, studio: Studio
) -> None:
    assert httpx.post(f"{url}camera/{'0' * 32}", content=b"x").status_code == 410
    with studio.streams.open() as stream:
        answer = httpx.post(f"{url}camera/{stream.name}", content=bytes(300_000))
        assert answer.status_code == 413
