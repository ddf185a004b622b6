"""The real page in a real browser, as a visitor uses it."""

from __future__ import annotations

import base64
import json
import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from demo.catalog import painting_path, photo_path
from demo.interface import TITLE
from demo.messages import AbandonedError
from demo.settings import read_settings
from demo.watched import check_request
from stylekernel_hf import load_image
from tests.accessibility import violations
from tests.demo.conftest import tiny_pipeline
from tests.demo.pictures import difference, opened, pixels
from tests.demo.visitor import LOCAL, until
from tests.hub.hub_server import HubServer
from tests.tiny import save_picture

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
RESULT = "#result img.after"
UNNAMED = """() => [
    ...[...document.querySelectorAll('input:not([type=file]), select, textarea, button')]
        .filter(e => !(e.labels?.length || e.ariaLabel || e.title || e.innerText?.trim()
                       || e.getAttribute('aria-labelledby') || e.querySelector('img')?.alt)),
    ...[...document.querySelectorAll('img')].filter(e => !e.alt),
].filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 200))"""
"""Finds controls that no screen reader could name, and pictures without a text."""
TOO_SMALL = """() => [...document.querySelectorAll('button, [role=button], a[download]')]
    .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 40)
    .map(e => [e.getBoundingClientRect().height, e.outerHTML.slice(0, 150)])"""
"""Finds buttons that a finger would miss."""
INSIDE_IS_SHOWN = "document.querySelector('#inside-photo img').naturalWidth > 0"
SAYS_PLACE = """([x, y]) => {
    const said = document.querySelector('#inside-words').innerText.match(/(\\d+), (\\d+)/);
    return said && Math.abs(said[1] - x) < 6 && Math.abs(said[2] - y) < 6;
}"""
TOO_WIDE = """() => {
    const width = document.documentElement.clientWidth;
    const outside = (e) => {
        const box = e.getBoundingClientRect();
        return box.width > 0 && (box.right > width + 1 || box.left < -1);
    };
    const cut = (e) => e && ((getComputedStyle(e).overflowX !== 'visible' && !outside(e))
                             || cut(e.parentElement));
    return [...document.querySelectorAll('body *')]
        .filter(e => e.checkVisibility() && outside(e) && !cut(e.parentElement))
        .map(e => e.outerHTML.slice(0, 150));
}"""
"""Finds what reaches beyond the page, other than what a part of the page cuts off or scrolls."""
MANY_RESULTS = """() => {
    for (let number = 0; number < 12; number += 1) {
        const after = `${document.querySelector('img.after').src}#${number}`;
        stylekernel.keep({ after, words: 'One of the last results' }, {});
    }
}"""
NAMED = """async () => {
    const page = await (await fetch(location.href)).text();
    const got = performance.getEntriesByType('resource').map(e => e.name.split('?')[0]);
    const assets = [...new Set(got)].filter(name => name.includes('/assets/'))
        .map(name => name.split('/').at(-1));
    return {
        first: assets.length,
        late: assets.filter(name => !page.includes(name)),
        sheets: assets.filter(name => name.endsWith('.css')).length,
        fonts: got.filter(name => /woff|ttf|otf/.test(name)).length,
    };
}"""
"""Counts the files that the page has asked for, and names those that it does not name itself."""
PARTS = {
    "Stylize": "#result",
    "On my photo": "#grid img",
    "Gallery": "#gallery .caption-label[aria-hidden]",
    "A folder": "#folder-start",
    "Look inside": "#kernels img",
}
"""What shows that a tab is there."""
# Where pictures of the page go, for whoever wants to look at them.
SCREENSHOTS = os.environ.get("DEMO_SCREENSHOTS")


class Visitor:
    """A browser window with the demo in it."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url, self.problems = page, url, []
        page.set_default_timeout(120_000)
        page.on("pageerror", self._note)
        self.arrive()

    def arrive(self, link: str = "") -> None:
        """Open the demo, or a link to it, as somebody does for the first time."""
        # Another page of the server, on which nothing runs that remembers settings.
        self.page.goto(f"{self.url}none")
        self.page.evaluate("sessionStorage.clear()")
        self.page.goto(link or self.url)
        self.page.wait_for_selector(".viewer[data-empty=false]")

    def _note(self, error: Any) -> None:
        self.problems.append(str(error))

    def leave(self) -> None:
        self.page.remove_listener("pageerror", self._note)

    def result(self) -> Image.Image:
        """The stylized picture on the page."""
        return load_image(httpx.get(self.shown(), **LOCAL).content)

    def shown(self) -> str:
        return self.page.locator(RESULT).get_attribute("src")

    def after(self, action: Any) -> Image.Image:
        """The result that comes once the action is done."""
        before = self.shown()
        action()
        self.page.wait_for_function(
            "before => { const image = document.querySelector('#result img.after');"
            " return image.src && image.src !== before && image.complete; }",
            arg=before,
        )
        return self.result()

    def choose(self, button: str, *files: Path) -> None:
        """Click a button and choose files in the dialog that it opens."""
        with self.page.expect_file_chooser() as chooser:
            self.page.locator(button).click()
        chooser.value.set_files(files)

    def pick(self, painting: str) -> None:
        self.page.get_by_role("button", name=painting, exact=True).click()

    def set_number(self, control: str, value: float) -> None:
        field = self.page.locator(f"#{control} input[type=number]")
        field.fill(str(value))
        field.press("Enter")
        field.blur()

    def paint(self, *points: tuple[float, float]) -> None:
        """Draw with the brush on the region's canvas, at places in px from its middle."""
        canvas = self.page.locator("#canvas canvas").first
        canvas.wait_for()
        self.page.locator("#canvas").get_by_label("Brush", exact=True).click()
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        (x, y), *others = [
            (box["x"] + box["width"] / 2 + dx, box["y"] + box["height"] / 2 + dy)
            for dx, dy in points
        ]
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        for x, y in others:
            self.page.mouse.move(x, y, steps=2)
        self.page.mouse.up()

    def drop(self, target: str, file: Path) -> None:
        """Let go of a file over a part of the page, as the mouse does that has dragged it there."""
        carried = self.page.evaluate_handle(
            """([name, data]) => {
                const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
                const carried = new DataTransfer();
                carried.items.add(new File([bytes], name, { type: 'image/png' }));
                return carried;
            }""",
            [file.name, base64.b64encode(file.read_bytes()).decode()],
        )
        for event in ("dragenter", "dragover", "drop"):
            self.page.dispatch_event(target, event, {"dataTransfer": carried})

    def screenshot(self, name: str) -> None:
        if SCREENSHOTS:
            Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{SCREENSHOTS}/{name}.png", full_page=True)


def in_last_window(context: Any, url: str) -> Iterator[Visitor]:
    """In the last visitor's window, unless that was closed: a new one compiles all of the page."""
    visitor = Visitor(context.pages[0] if context.pages else context.new_page(), url)
    yield visitor
    visitor.leave()


@pytest.fixture(scope="module")
def desktop(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport=DESKTOP, accept_downloads=True)
    yield context
    context.close()


@pytest.fixture(scope="module")
def window(desktop: Any) -> Any:
    """One window for most visitors: it compiles what the page consists of once, not every time."""
    return desktop.new_page()


@pytest.fixture
def visitor(window: Any, url: str) -> Iterator[Visitor]:
    window.set_viewport_size(DESKTOP)
    visitor = Visitor(window, url)
    yield visitor
    visitor.leave()


@pytest.fixture(scope="module")
def screen(browser: Any) -> Iterator[Any]:
    """The window of a browser on a phone, which shares nothing with that on the desk."""
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def phone(screen: Any, url: str) -> Iterator[Visitor]:
    """A visitor with a phone: no mouse, and a page as wide as the phone says."""
    visitor = Visitor(screen, url)
    yield visitor
    visitor.leave()


def expected(style: Any = "Swirling oil", photo: str = "Coffee", **options: Any) -> Image.Image:
    styles = painting_path(style) if isinstance(style, str) else style
    return tiny_pipeline()(photo_path(photo), styles, **options).images[0]


def test_page_opens_with_a_picture_and_without_errors(visitor: Visitor) -> None:
    assert difference(visitor.result(), expected()) < 3
    assert visitor.page.title() == TITLE
    assert visitor.problems == []
    visitor.screenshot("stylize-desktop")


def test_first_screen_asks_at_once_for_all_that_it_needs(visitor: Visitor) -> None:
    """Each step of Gradio's page would wait for the last one to find out what it needs."""
    named = visitor.page.evaluate(NAMED)
    assert named["late"] == []
    assert named["sheets"] == 2 and named["fonts"] == 0
    assert named["first"] > 30


def test_uploaded_photo_is_stylized_at_once(visitor: Visitor, tmp_path: Path) -> None:
    photo = save_picture(tmp_path / "mine.png", (160, 120), seed=3)
    result = visitor.after(lambda: visitor.choose("#choose-photo", photo))
    assert difference(result, tiny_pipeline()(photo, painting_path("Swirling oil")).images[0]) < 3


def test_dropped_photo_takes_the_place_of_the_one_that_is_there(
    visitor: Visitor, tmp_path: Path
) -> None:
    photo = save_picture(tmp_path / "dropped.png", (160, 120), seed=4)
    result = visitor.after(lambda: visitor.drop("#photo img", photo))
    assert difference(result, tiny_pipeline()(photo, painting_path("Swirling oil")).images[0]) < 3


def test_painting_of_ones_own_is_used_alone_and_taken_away_again(
    visitor: Visitor, tmp_path: Path
) -> None:
    page = visitor.page
    own = save_picture(tmp_path / "own.png", (200, 160), seed=5)
    result = visitor.after(lambda: visitor.choose(".tile.add", own))
    assert difference(result, expected(own)) < 3 < difference(result, expected())
    page.get_by_role("switch", name="Mix several").click()
    result = visitor.after(lambda: visitor.pick("Mosaic"))
    both = [painting_path("Mosaic"), own]
    assert difference(result, expected(both, style_weights=[1, 1])) < 3
    page.get_by_label("range slider for Share of your painting 1").wait_for()
    visitor.screenshot("own-desktop")
    result = visitor.after(lambda: page.get_by_title("Remove own.png").click())
    assert difference(result, expected("Mosaic")) < 3
    # The strip of last results still names it.
    assert page.locator(".own .tile").count() == 0


def test_unreadable_painting_leaves_no_tile(visitor: Visitor, tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("dear diary")
    before = visitor.shown()
    visitor.choose(".tile.add", tmp_path / "notes.png")
    visitor.page.get_by_role("alert").get_by_text("“notes.png” is not a picture").wait_for()
    assert visitor.page.get_by_role("button", name="notes.png").count() == 0
    assert visitor.shown() == before


def test_checkpoint_of_the_hub_paints_once_its_id_is_typed(
    visitor: Visitor, hub: HubServer, tmp_path: Path
) -> None:
    tiny_pipeline(seed=1).model.save_repository(tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    names = {file.relative_to(tmp_path).as_posix(): file.read_bytes() for file in files}
    hub.add("painter/other", names)
    page = visitor.page
    page.get_by_role("button", name="Resolution and model").click()
    page.get_by_label("Model").fill("painter/other")
    result = visitor.after(lambda: page.keyboard.press("Enter"))
    other = tiny_pipeline(seed=1)(photo_path("Coffee"), painting_path("Swirling oil")).images[0]
    assert difference(result, other) < 3
    assert difference(result, expected()) > 3
    page.get_by_label("Model").fill("painter/none")
    page.keyboard.press("Enter")
    page.get_by_text("The Hub has no public model “painter/none”").first.wait_for()
    assert page.get_by_text("Model must be").count() == 0, "half an id was tried"


def test_map_of_strengths_fades_the_style(visitor: Visitor, tmp_path: Path) -> None:
    fade = Image.linear_gradient("L").rotate(90)
    fade.save(tmp_path / "map.png")
    visitor.page.get_by_role("button", name="Strength map").click()
    box = "#strength-map button.upload-container"
    result = visitor.after(lambda: visitor.choose(box, tmp_path / "map.png"))
    assert difference(result, expected(strength=fade)) < 3
    assert difference(result, expected()) > 3


def test_mistake_is_told_beside_the_picture_which_stays(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page
    (tmp_path / "notes.png").write_text("dear diary")
    before = visitor.shown()
    visitor.choose("#choose-photo", tmp_path / "notes.png")
    page.get_by_role("alert").get_by_text(
        "“notes.png” is not a picture that can be read"
    ).wait_for()
    page.locator(".toast-body").wait_for(state="detached")
    assert visitor.shown() == before and page.locator(RESULT).is_visible()
    assert page.get_by_text("Error", exact=True).locator("visible=true").count() == 0
    visitor.screenshot("message-desktop")
    result = visitor.after(lambda: visitor.pick("Mosaic"))
    assert difference(result, expected("Mosaic")) < 3, "the last photo that could be read"
    assert page.get_by_role("alert").locator("visible=true").count() == 0


def test_line_between_before_and_after_moves_by_mouse_and_keys(visitor: Visitor) -> None:
    page = visitor.page
    handle = page.get_by_role("slider", name="Before and after")

    def line() -> float:
        inner, outer = (page.locator(part).bounding_box() for part in (".line", ".pictures"))
        return (inner["x"] + 1 - outer["x"]) / outer["width"]

    assert line() == pytest.approx(0.5, abs=0.01)
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    moved = line()
    assert moved == pytest.approx(0.25, abs=0.03)
    handle.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert line() == pytest.approx(moved + 0.04, abs=0.01)


def test_whole_photo_is_shown(visitor: Visitor, tmp_path: Path) -> None:
    tall = save_picture(tmp_path / "tall.png", (90, 200), seed=3)
    visitor.after(lambda: visitor.choose("#choose-photo", tall))
    box = visitor.page.locator(RESULT).bounding_box()
    assert box["width"] / box["height"] == pytest.approx(90 / 200, rel=0.02)


def test_click_takes_a_painting_and_mixing_is_turned_on(visitor: Visitor) -> None:
    page = visitor.page
    both = [painting_path("Cubist"), painting_path("Mosaic")]
    result = visitor.after(lambda: visitor.pick("Cubist"))
    assert difference(result, expected("Cubist")) < 3
    page.get_by_role("switch", name="Mix several").click()
    result = visitor.after(lambda: visitor.pick("Mosaic"))
    assert difference(result, expected(both, style_weights=[1, 1])) < 3
    page.get_by_label("range slider for Share of Mosaic").wait_for()
    result = visitor.after(lambda: visitor.set_number("weight-1", 0))
    assert difference(result, expected("Mosaic")) < 3
    result = visitor.after(lambda: page.get_by_role("switch", name="Mix several").click())
    assert difference(result, expected("Mosaic")) < 3
    page.get_by_label("range slider for Share of Mosaic").wait_for(state="hidden")
    pressed = page.locator(".tile[aria-pressed=true]")
    assert pressed.all_inner_texts() == ["Mosaic"]


def test_keys_on_a_control_change_the_picture(visitor: Visitor) -> None:
    page = visitor.page
    handle = page.get_by_label("range slider for Strength")
    handle.focus()
    result = visitor.after(lambda: [page.keyboard.press("ArrowLeft") for _ in range(10)])
    assert difference(result, expected(strength=0.5)) < 3 < difference(result, expected())
    field = page.locator("#strength input[type=number]")
    field.fill("0")
    result = visitor.after(lambda: field.press("Enter"))
    assert difference(result, photo_path("Coffee")) < 3
    field.fill("")
    visitor.after(lambda: page.get_by_role("button", name="Stylize", exact=True).click())
    assert field.input_value() == "0"


def test_controls_change_the_picture_as_they_should(visitor: Visitor) -> None:
    page = visitor.page
    result = visitor.after(lambda: visitor.set_number("strength", 0))
    assert difference(result, photo_path("Coffee")) < 3
    result = visitor.after(lambda: visitor.set_number("strength", 0.5))
    assert difference(result, expected(strength=0.5)) < 3
    visitor.after(lambda: visitor.set_number("strength", 1))
    result = visitor.after(lambda: visitor.set_number("stroke-scale", 2))
    assert difference(result, expected(stroke_scale=2)) < 3 < difference(result, expected())

    page.get_by_role("button", name="Resolution and model").click()
    result = visitor.after(lambda: page.get_by_label("512 px").first.check())
    assert max(result.size) == 512


def test_each_way_of_colouring_does_what_it_says(visitor: Visitor, tmp_path: Path) -> None:
    # Of middling colours, so that no result is clipped.
    grey = Image.new("RGB", (160, 120), "grey")
    photo = Image.blend(opened(save_picture(tmp_path / "vivid.png", grey.size)), grey, 0.5)
    photo.save(tmp_path / "photo.png")
    painting = load_image(painting_path("Swirling oil"))
    page = visitor.page
    painted = visitor.after(lambda: visitor.choose("#choose-photo", tmp_path / "photo.png"))

    def coloured(words: str) -> Image.Image:
        page.get_by_role("combobox", name="Colours").click()
        result = visitor.after(page.get_by_role("option", name=words, exact=True).click)
        page.get_by_role("option").first.wait_for(state="detached")
        return result

    toned = coloured("The photo's, in the painting's tones")
    assert difference(plane(toned, 1), plane(photo, 1)) < 1.5 < difference(toned, photo)
    assert difference(plane(toned, 2), plane(photo, 2)) < 1.5
    assert difference(plane(toned, 0), plane(painted, 0)) < 1.5

    average = coloured("The photo's, on average")
    assert moments(average) == pytest.approx(moments(photo), abs=1)
    assert distance_to_recoloured(average, photo) > 5

    recoloured = coloured("Only the painting's colours")
    assert moments(recoloured) == pytest.approx(moments(painting), abs=2)
    assert distance_to_recoloured(recoloured, photo) < 2 < distance_to_recoloured(painted, photo)
    assert difference(recoloured, photo) > 5

    assert difference(coloured("The painting's"), painted) == 0


def plane(picture: Image.Image, index: int) -> Image.Image:
    """The luma (0) or a chroma (1, 2) of a picture, as Pillow has them."""
    return picture.convert("YCbCr").getchannel(index)


def moments(picture: Image.Image) -> np.ndarray:
    """Means, standard deviations and, on the same scale, covariances of the channels."""
    values = pixels(picture).reshape(-1, 3)
    covariance = np.cov(values, rowvar=False)
    signed_roots = np.sign(covariance) * np.sqrt(np.abs(covariance))
    return np.concatenate([values.mean(axis=0), signed_roots.ravel()])


def distance_to_recoloured(picture: Image.Image, photo: Image.Image) -> float:
    """How far the picture is from the photo after the linear change of colours that fits best."""
    values, target = (pixels(each).reshape(-1, 3) for each in (photo, picture))
    known = np.column_stack([values, np.ones(len(values))])
    best = known @ np.linalg.lstsq(known, target, rcond=None)[0]
    return float(np.abs(best - target).mean())


def test_painted_region_alone_is_stylized(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("button", name="Region").click()
    assert page.get_by_label("The whole photo").is_checked()
    visitor.paint((-60, 0), (60, 0))
    assert page.get_by_label("Only where I painted").is_checked()
    result = visitor.after(page.get_by_role("button", name="Stylize the region").click)
    visitor.screenshot("region-desktop")
    before, whole = load_image(photo_path("Coffee")), expected()
    width, height = before.size
    middle = (width // 2 - 40, height // 2 - 8, width // 2 + 40, height // 2 + 8)
    corner = (0, 0, width // 4, height // 4)
    assert difference(result.crop(corner), before.crop(corner)) < 3
    assert difference(result.crop(middle), whole.crop(middle)) < 4
    assert difference(before.crop(middle), whole.crop(middle)) > 8


def test_each_painting_goes_where_its_brush_was(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("switch", name="Mix several").click()
    visitor.after(lambda: visitor.pick("Mosaic"))
    page.get_by_role("button", name="Region").click()
    canvas = page.locator("#canvas canvas").first
    canvas.wait_for()
    page.locator("#canvas").get_by_label("Brush", exact=True).click()
    canvas.scroll_into_view_if_needed()

    def paint(share: float) -> None:
        box = canvas.bounding_box()
        x, y = box["x"] + box["width"] * share, box["y"] + box["height"] / 2
        page.mouse.move(x, y - 40)
        page.mouse.down()
        page.mouse.move(x, y + 40, steps=2)
        page.mouse.up()

    paint(0.35)
    page.locator("#canvas").get_by_label("Color", exact=True).click()
    page.get_by_label("Brush of Mosaic").wait_for()
    assert page.evaluate(UNNAMED) == []
    page.get_by_label("Brush of Mosaic").click()
    paint(0.65)
    visitor.screenshot("each-desktop")
    page.get_by_label("Each painting where its own colour is").check()
    result = visitor.after(lambda: page.get_by_role("button", name="Stylize", exact=True).click())
    photo, oil, mosaic = load_image(photo_path("Coffee")), expected(), expected("Mosaic")
    width, height = photo.size

    def gap(other: Image.Image, x: float, y: float = 0.5) -> float:
        box = (int(x * width) - 6, int(y * height) - 6, int(x * width) + 6, int(y * height) + 6)
        return difference(result.crop(box), other.crop(box))

    # The editor leaves a margin around the photo, so that the strokes are nearer to its edges.
    left, right = (0.5 + (share - 0.5) * 1.22 for share in (0.35, 0.65))
    assert gap(oil, left) < 4 < gap(mosaic, left)
    assert gap(mosaic, right) < 4 < gap(oil, right)
    assert gap(photo, 0.5) < 4 and gap(photo, 0.1, 0.1) < 4


def test_click_downloads_the_full_size_with_its_settings(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page

    def download() -> Any:
        with page.expect_download() as got:
            page.get_by_role("button", name="Download full size").click()
        got.value.save_as(tmp_path / got.value.suggested_filename)
        return opened(tmp_path / got.value.suggested_filename)

    jpeg = download()
    assert jpeg.format == "JPEG" and Path(jpeg.filename).name == "coffee_swirling-oil.jpg"
    assert difference(jpeg, expected()) < 3
    assert read_settings(jpeg).paintings == ("Swirling oil",)
    page.get_by_label("PNG").check()
    visitor.after(lambda: visitor.pick("Mosaic"))
    png = download()
    assert Path(png.filename).name == "coffee_mosaic.png"
    assert difference(png, expected("Mosaic")) < 0.1
    assert read_settings(png).paintings == ("Mosaic",)


def test_cancelled_download_ends_and_the_picture_stays(
    visitor: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = visitor.page
    started: list[str] = []
    ended: list[str] = []

    def wait(*_: object, **__: object) -> None:
        started.append("saving")
        try:
            while True:
                time.sleep(0.05)
                check_request()
        except AbandonedError:
            ended.append("abandoned")
            raise

    monkeypatch.setattr("demo.handlers._save", wait)
    before = visitor.shown()
    page.get_by_role("button", name="Download full size").click()
    assert until(lambda: started), "the download has not begun"
    cancel = page.get_by_role("button", name="Cancel")
    cancel.click()
    cancel.wait_for(state="hidden")
    assert until(lambda: ended), "the server works on"
    assert visitor.shown() == before and page.locator(RESULT).is_visible()
    result = visitor.after(lambda: visitor.pick("Mosaic"))
    assert difference(result, expected("Mosaic")) < 3


def test_gallery_starts_from_the_chosen_picture(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("tab", name="Gallery").click()
    page.locator("#gallery .caption-label").first.wait_for()
    visitor.screenshot("gallery-desktop")
    result = visitor.after(lambda: page.get_by_text("Cat, woodblock").click())
    assert difference(result, expected("Woodblock", "Cat")) < 3
    tile = page.get_by_role("button", name="Woodblock", exact=True)
    assert tile.get_attribute("aria-pressed") == "true"


def test_folder_comes_back_as_a_zip(visitor: Visitor, tmp_path: Path) -> None:
    """In the paintings of the first tab; a file that is no picture does not stop the others."""
    page = visitor.page
    page.get_by_role("switch", name="Mix several").click()
    visitor.after(lambda: visitor.pick("Mosaic"))
    visitor.after(lambda: visitor.set_number("weight-1", 0.25))
    photos = [save_picture(tmp_path / f"{name}.png", seed=n) for n, name in enumerate("ab")]
    (tmp_path / "...jpg").write_text("dear diary")
    page.get_by_role("tab", name="A folder").click()
    page.get_by_text("In the style of Swirling oil and Mosaic.").wait_for()
    words = page.locator("#folder-photos .upload-container").inner_text()
    assert words.split("\n") == ["Drop photos here", "- or -", "Click to choose"]
    visitor.choose("#folder-photos button.upload-container", *photos, tmp_path / "...jpg")
    page.locator("#folder-photos td.filename").nth(2).wait_for()
    assert page.locator("#folder-photos").get_by_label("Add files").is_visible()
    page.get_by_role("button", name="Stylize them all").click()
    page.get_by_text("2 of 3 photos painted.").wait_for()
    page.locator("#folder-zip td.filename").get_by_text("stylized").wait_for()
    visitor.screenshot("folder-desktop")
    with page.expect_download() as download:
        page.locator("#folder-zip a[download]").first.click()
    download.value.save_as(tmp_path / "got.zip")
    styles = [painting_path("Swirling oil"), painting_path("Mosaic")]
    with zipfile.ZipFile(tmp_path / "got.zip") as folder:
        for photo in photos:
            result = load_image(folder.read(photo.name))
            mixed = tiny_pipeline()(photo, styles, style_weights=[0.25, 1]).images[0]
            assert difference(result, mixed) == 0


def test_click_on_the_photo_looks_inside(visitor: Visitor) -> None:
    page = visitor.page
    photo = page.locator("#inside-photo img")
    size = np.array(load_image(photo_path("Coffee")).size)
    size = size * 512 / size.max()
    held: list[Any] = []
    page.route("**/uploads/**/photo.jpg", lambda route: held.append(route), times=1)
    page.get_by_role("tab", name="Look inside").click()
    # To ask the page lets the browser tell what it holds.
    assert until(lambda: page.evaluate("0") or held)
    box = photo.bounding_box()
    early = np.array([box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"]])
    page.mouse.click(*early)
    held[0].continue_()
    page.wait_for_function(INSIDE_IS_SHOWN)
    box = photo.bounding_box()
    share = (early - (box["x"], box["y"])) / (box["width"], box["height"])
    page.wait_for_function(SAYS_PLACE, arg=(share * size).tolist())

    box = photo.bounding_box()
    photo.click(position={"x": box["width"] * 0.25, "y": box["height"] * 0.75})
    page.wait_for_function(SAYS_PLACE, arg=[0.25 * size[0], 0.75 * size[1]])
    across = page.locator("#across input[type=number]")
    assert float(across.input_value()) == pytest.approx(0.25, abs=0.02)

    def is_marked_there_alone() -> bool:
        ringed = load_image(httpx.get(photo.get_attribute("src"), **LOCAL).content)
        plain = load_image(photo_path("Coffee")).resize(ringed.size)
        x, y = ringed.width // 4, ringed.height * 3 // 4
        near, far = (x - 20, y - 20, x + 20, y + 20), (x + 60, y - 20, x + 100, y + 20)
        changes = [difference(ringed.crop(box), plain.crop(box)) for box in (near, far)]
        return changes[0] > 10 > changes[1]

    assert until(is_marked_there_alone)
    visitor.screenshot("inside-desktop")


def test_two_visitors_do_not_meet(visitor: Visitor, phone: Visitor) -> None:
    one, other = visitor, phone
    first = one.after(lambda: one.pick("Mosaic"))
    second = other.after(lambda: other.pick("Cubist"))
    assert difference(first, expected("Mosaic")) < 3
    assert difference(second, expected("Cubist")) < 3
    assert difference(one.result(), first) == 0


def test_phone_shows_everything_in_one_column(phone: Visitor) -> None:
    page = phone.page
    phone.screenshot("stylize-phone")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]
    parts = ("#result", "#choose-photo", ".tiles", "#full-size")
    boxes = [page.locator(part).bounding_box() for part in parts]
    assert [box["y"] for box in boxes] == sorted(box["y"] for box in boxes)
    assert boxes[-1]["y"] + boxes[-1]["height"] <= PHONE["height"], "all on one screen"
    assert page.get_by_role("tab", name="Look inside").is_visible()


def test_picture_is_made_by_finger(phone: Visitor, tmp_path: Path) -> None:
    photo = save_picture(tmp_path / "mine.png", (160, 120), seed=3)
    page = phone.page

    def choose_photo() -> None:
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose a photo").tap()
        chooser.value.set_files(photo)

    phone.after(choose_photo)
    result = phone.after(lambda: page.get_by_role("button", name="Mosaic", exact=True).tap())
    assert difference(result, tiny_pipeline()(photo, painting_path("Mosaic")).images[0]) < 3
    box = page.locator(RESULT).bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] <= PHONE["height"], "the result is in sight"
    with page.expect_download() as download:
        page.get_by_role("button", name="Download full size").tap()
    assert download.value.suggested_filename == "mine_mosaic.jpg"
    phone.screenshot("stylize-touch")


def test_everything_fits_a_phone_and_its_owners_finger(phone: Visitor, tmp_path: Path) -> None:
    page = phone.page

    def check(name: str) -> None:
        phone.screenshot(f"{name}-touch")
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        assert page.evaluate(TOO_WIDE) == []
        assert page.evaluate(TOO_SMALL) == []

    check("first")
    page.get_by_role("switch", name="Mix several").tap()
    phone.after(lambda: page.get_by_role("button", name="Mosaic", exact=True).tap())
    for box in ("Region", "Strength map", "Resolution and model"):
        page.get_by_role("button", name=box).tap()
    page.locator("#canvas canvas").first.wait_for()
    page.get_by_label("range slider for Share of Mosaic").wait_for()
    check("open")
    page.get_by_role("tab", name="On my photo").tap()
    page.locator("#grid img").first.wait_for()
    check("grid")
    page.get_by_role("tab", name="Gallery").tap()
    page.get_by_role("button", name="Cat, woodblock").wait_for()
    check("gallery")
    page.get_by_role("tab", name="A folder").tap()
    long = "a-name-that-is-far-longer-than-a-phone-is-wide-as-cameras-give-20240102-130405.png"
    photos = [save_picture(tmp_path / name) for name in (long, "b.png")]
    page.locator("#folder-photos input[type=file]").set_input_files(photos)
    page.locator("#folder-photos td.filename").nth(1).wait_for()
    page.get_by_role("button", name="Stylize them all").tap()
    page.locator("#folder-zip td.filename").wait_for()
    check("folder")
    page.get_by_role("tab", name="Look inside").tap()
    page.locator("#kernels img").wait_for()
    page.wait_for_function(INSIDE_IS_SHOWN)
    check("inside")
    page.get_by_role("tab", name="Stylize").tap()
    (tmp_path / "notes.png").write_text("dear diary")
    phone.choose("#choose-photo", tmp_path / "notes.png")
    page.get_by_role("alert").get_by_text("“notes.png” is not a picture").wait_for()
    check("error")


def test_wide_letters_and_many_results_do_not_widen_a_phones_page(phone: Visitor) -> None:
    """A visitor's own font may be a fifth wider than the one here."""
    page = phone.page
    page.add_style_tag(content="* { letter-spacing: .1em !important }")
    page.evaluate(MANY_RESULTS)
    assert page.locator(".strip button").count() == 12
    for width, height in ((390, 844), (360, 740)):
        page.set_viewport_size({"width": width, "height": height})
        for tab in (*PARTS, "Video", "Camera"):
            page.get_by_role("tab", name=tab).tap()
            page.get_by_role("tab", name=tab, selected=True).wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") == width, tab
            assert page.evaluate(TOO_WIDE) == [], tab
    page.set_viewport_size(PHONE)


def test_gallery_is_whole_on_a_phone_without_scrolling(phone: Visitor) -> None:
    page = phone.page
    page.get_by_role("tab", name="Gallery").click()
    page.wait_for_function(
        """() => {
            const pictures = [...document.querySelectorAll('#gallery img')];
            return pictures.length === 28 && pictures.every(p => p.complete && p.naturalWidth);
        }"""
    )
    phone.screenshot("gallery-phone")
    assert page.evaluate("window.scrollY") == 0
    assert page.get_by_role("button", name="Cat, woodblock").count() == 1


def test_every_control_has_a_name_and_every_picture_a_text(
    visitor: Visitor, tmp_path: Path
) -> None:
    page = visitor.page
    own = save_picture(tmp_path / "own.png", (200, 160), seed=5)
    for box in ("Strength map", "Resolution and model"):
        page.get_by_role("button", name=box).click()
    visitor.after(lambda: visitor.choose(".tile.add", own))
    unnamed = page.evaluate(UNNAMED)
    for tab in ("Gallery", "A folder", "Look inside"):
        page.get_by_role("tab", name=tab).click()
        unnamed += page.evaluate(UNNAMED)
    page.locator("#kernels img").wait_for()
    assert unnamed + page.evaluate(UNNAMED) == []


def test_paintings_are_chosen_by_keyboard(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("button", name="Swirling oil", exact=True).focus()
    page.keyboard.press("Tab")
    result = visitor.after(lambda: page.keyboard.press("Space"))
    following = page.locator(".tile[aria-pressed=true]").inner_text()
    assert following != "Swirling oil" and difference(result, expected(following)) < 3


def test_picture_in_the_clipboard_is_pasted_by_keys(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page
    photo = save_picture(tmp_path / "copied.png", (160, 120), seed=6)
    paste = """(data) => {
        const carried = new DataTransfer();
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
        if (bytes.length) carried.items.add(new File([bytes], "a.png", { type: "image/png" }));
        document.body.dispatchEvent(
            new ClipboardEvent("paste", { clipboardData: carried, bubbles: true }));
    }"""
    data = base64.b64encode(photo.read_bytes()).decode()
    result = visitor.after(lambda: page.evaluate(paste, data))
    assert difference(result, tiny_pipeline()(photo, painting_path("Swirling oil")).images[0]) < 3
    page.evaluate(paste, "")
    page.get_by_role("alert").get_by_text("There is no picture in the clipboard").wait_for()
    assert page.locator("#photo img").count() == 1, "the photo stays"


def test_grid_shows_every_painting_on_the_photo_and_a_click_takes_one(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("tab", name="On my photo").click()
    page.wait_for_function(
        """() => [...document.querySelectorAll('#grid .tile')]
            .every((tile) => tile.querySelector('img')?.naturalWidth)"""
    )
    visitor.screenshot("grid-desktop")
    tile = page.locator("#grid").get_by_role("button", name="Mosaic")
    data = tile.locator("img").get_attribute("src").split(",")[1]
    small = load_image(base64.b64decode(data))
    gaps = [difference(small, expected(name).resize(small.size)) for name in ("Mosaic", "Cubist")]
    assert gaps[0] < 0.7 * gaps[1]
    result = visitor.after(tile.click)
    assert difference(result, expected("Mosaic")) < 3
    assert page.locator(RESULT).is_visible()
    assert page.locator("#picker .tile[aria-pressed=true]").all_inner_texts() == ["Mosaic"]


def test_strip_goes_back_to_a_result_and_compares_two(visitor: Visitor) -> None:
    page = visitor.page
    oil = visitor.shown()
    visitor.after(lambda: page.get_by_role("button", name="Surprise me").click())
    lucky = page.locator("#picker .tile[aria-pressed=true]").inner_text()
    assert lucky != "Swirling oil"
    visitor.after(lambda: visitor.set_number("strength", 0.5))
    surprise = visitor.shown()
    last = page.locator(".strip button")
    assert last.count() == 3
    page.get_by_role("button", name="Compare").click()
    last.nth(2).click()
    page.wait_for_function("at => document.querySelector('img.before').src === at", arg=oil)
    assert visitor.shown() == surprise
    page.get_by_role("button", name="Compare").click()
    visitor.after(lambda: last.nth(2).click())
    assert visitor.shown() == oil
    chosen = page.locator("#picker .tile[aria-pressed=true]")
    chosen.get_by_text("Swirling oil").wait_for()
    assert page.locator("#strength input[type=number]").input_value() == "1"


def test_link_opens_the_same_picture(desktop: Any, visitor: Visitor, tmp_path: Path) -> None:
    """Of a photo that was sent, with settings, region and map, in a browser that knows nothing."""
    desktop.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visitor.page
    photo = save_picture(tmp_path / "mine.png", (160, 120), seed=8)
    visitor.after(lambda: visitor.choose("#choose-photo", photo))
    visitor.after(lambda: visitor.pick("Mosaic"))
    visitor.after(lambda: visitor.set_number("strength", 0.4))
    Image.linear_gradient("L").save(tmp_path / "map.png")
    page.get_by_role("button", name="Strength map").click()
    box = "#strength-map button.upload-container"
    visitor.after(lambda: visitor.choose(box, tmp_path / "map.png"))
    page.get_by_role("button", name="Region").click()
    visitor.paint((-40, 0), (40, 0))
    result = visitor.after(page.get_by_role("button", name="Stylize the region").click)
    page.get_by_role("button", name="Share").click()
    page.get_by_role("alert").get_by_text("The link is copied").wait_for()
    visitor.arrive(page.evaluate("navigator.clipboard.readText()"))
    for is_reloaded in (False, True):
        if is_reloaded:
            page.reload()
        page.wait_for_function("document.querySelector('img.after')?.alt.includes('Mosaic')")
        assert difference(visitor.result(), result) == 0
        assert page.locator("#strength input[type=number]").input_value() == "0.4"
    page.get_by_role("button", name="Region").click()
    page.get_by_label("Only where I painted").and_(page.locator(":checked")).wait_for()
    visitor.paint((110, 80))
    visitor.screenshot("link-desktop")
    again = visitor.after(page.get_by_role("button", name="Stylize the region").click)
    top, bottom = (0, 0, 160, 60), (120, 90, 160, 120)
    assert difference(again.crop(top), result.crop(top)) < 0.5, "the canvas holds the region"
    assert difference(again.crop(bottom), result.crop(bottom)) > 3, "and more was painted"


def test_link_to_files_that_are_gone_says_so(visitor: Visitor) -> None:
    settings = {
        "photo": {"path": "/uploads/none/holiday.jpg", "name": "holiday.jpg"},
        "own": [{"id": "own-1", "path": "/etc/passwd", "name": "passwd"}],
        "region": "painted",
        "layer": {"path": "/uploads/none/region.png", "name": "region.png"},
        "map": {"path": "/etc/hostname", "name": "fade.png"},
        "chosen": ["Cubist", "own-1", "<b>no</b>"],
        "strength": 7,
    }
    text = base64.urlsafe_b64encode(json.dumps(settings).encode()).decode()
    visitor.arrive(f"{visitor.url}#s={text}")
    words = (
        "Not on the server any more: the painting “passwd”, the photo “holiday.jpg”, "
        "the strength map “fade.png”."
    )
    page = visitor.page
    page.get_by_role("alert").get_by_text(words).wait_for()
    page.wait_for_function("document.querySelector('img.after').alt.includes('Cubist')")
    assert difference(visitor.result(), expected("Cubist")) < 3


def test_photo_that_expires_while_the_page_is_open_is_called_gone(
    visitor: Visitor, uploads: Path, tmp_path: Path
) -> None:
    """So it is after the server has started again; what the page itself holds stays."""
    page = visitor.page
    photo = save_picture(tmp_path / "holiday.png", (160, 120), seed=9)
    visitor.after(lambda: visitor.choose("#choose-photo", photo))
    before = visitor.shown()
    for path in uploads.rglob("holiday.png"):
        path.unlink()
    visitor.pick("Mosaic")
    page.get_by_role("alert").get_by_text("“holiday.png” is not here, or not any more").wait_for()
    assert visitor.shown() == before and page.locator(RESULT).is_visible()
    result = visitor.after(lambda: visitor.choose("#choose-photo", photo))
    assert difference(result, tiny_pipeline()(photo, painting_path("Mosaic")).images[0]) < 3
    assert page.get_by_role("alert").locator("visible=true").count() == 0


def test_settings_are_taken_from_a_downloaded_result(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page
    visitor.after(lambda: visitor.pick("Mosaic"))
    first = visitor.after(lambda: visitor.set_number("strength", 0.5))
    files = []
    for image_format in ("JPEG", "PNG"):
        page.get_by_label(image_format).check()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download full size").click()
        files.append(tmp_path / download.value.suggested_filename)
        download.value.save_as(files[-1])
    page.get_by_role("button", name="Resolution and model").click()
    visitor.after(lambda: visitor.set_number("strength", 1))
    for file in files:
        visitor.after(lambda: visitor.pick("Cubist"))
        again = visitor.after(lambda file=file: visitor.choose("#read-settings", file))
        assert difference(again, first) == 0, file.name
    visitor.choose("#read-settings", save_picture(tmp_path / "plain.png"))
    page.get_by_role("alert").get_by_text("“plain.png” holds no settings").wait_for()


def test_axe_finds_nothing_in_any_tab(visitor: Visitor) -> None:
    """Contrast, names, roles and states, as screen readers and weak eyes need them."""
    page = visitor.page
    page.get_by_role("button", name="Resolution and model").click()
    found: list[tuple[str, list[str]]] = []
    for tab in ("Stylize", "On my photo", "Gallery", "A folder", "Look inside"):
        page.get_by_role("tab", name=tab).click()
        page.locator(PARTS[tab]).first.wait_for()
        found += [(tab, each) for each in violations(page)]
    assert found == []


def test_photo_that_no_browser_reads_is_shown(visitor: Visitor, tmp_path: Path) -> None:
    opened(photo_path("Cat")).resize((300, 200)).save(tmp_path / "cat.tiff")
    visitor.after(lambda: visitor.choose("#choose-photo", tmp_path / "cat.tiff"))
    visitor.page.wait_for_function("document.querySelector('#photo img').naturalWidth === 300")


def test_result_stays_in_sight(visitor: Visitor) -> None:
    page = visitor.page
    page.set_viewport_size({"width": 1440, "height": 900})
    for box in ("Strength map", "Resolution and model"):
        page.get_by_role("button", name=box).click()
    page.locator("#resolution").scroll_into_view_if_needed()
    page.mouse.wheel(0, 3000)
    page.wait_for_function("window.scrollY > 100")
    box = page.locator(RESULT).bounding_box()
    assert box["y"] >= 0
