"""The page that runs in the browser alone, as a visitor uses it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from stylekernel_hf import pipeline
from tests.accessibility import violations
from tests.tiny import save_picture
from tests.web.page_server import PageServer, serving
from tests.web.page_state import READY, in_words, pixels, shown, wait_for_frames

MARK_ISOLATED = """addEventListener("DOMContentLoaded", () => {
    document.body.dataset.isolated = crossOriginIsolated;
});"""
STYLIZE = """async ([pixels, paintings, order]) => {
    const picture = ([width, height, letters]) => ({
        width, height, data: Uint8ClampedArray.from(atob(letters), (each) => each.charCodeAt(0)),
    });
    const { engine } = await import(new URL("js/app.js", location).href);
    const given = paintings.map((each, index) => ({
        name: `painting ${index}`, pixels: async () => picture(each),
    }));
    await engine.encode(given);
    const names = given.map(({ name }) => name);
    const made = await engine.call("stylize", { pixels: picture(pixels), names, ...order });
    return btoa(Array.from(made.data, (value) => String.fromCharCode(value)).join(""));
}"""
"""Asks the page's worker for what no control asks: small tiles."""
STAND_IN_GPU = """(steps) => {
    navigator.gpu.requestAdapter = async () => ({});
    const wait = window.setTimeout;
    // Who gives a GPU ten seconds gives this one a moment.
    window.setTimeout = (then, delay) => wait(then, delay === 10_000 ? 100 : delay);
    window.silenceGpu = () => { steps = 0; };
    window.Worker = class extends EventTarget {
        terminate() {}
        postMessage({ type, id }) {
            if (steps-- <= 0) return;
            const picture = { width: 7, height: 7, data: new Uint8ClampedArray(196).fill(99) };
            const answer = window.refusal
                ? { type: "failed", message: window.refusal }
                : { type: "done", result: type === "frame" ? picture : {} };
            const event = new MessageEvent("message", { data: { ...answer, id } });
            wait(() => this.dispatchEvent(event));
        }
    };
}"""
"""Puts a worker in place that answers so many calls at once, as one with a very fast GPU would.

With a `refusal`, it answers with this error.
"""
TOO_WIDE = """() => [...document.querySelectorAll('body *')].filter((each) => {
    const box = each.getBoundingClientRect();
    const isCut = each.closest('.tiles, #ribbon, .pictures, .unseen');
    return box.width > 0 && !isCut && box.right > document.documentElement.clientWidth + 1;
}).map((each) => each.outerHTML.slice(0, 150))"""


@pytest.fixture(scope="module")
def window(open_page: Callable[..., Any], host: PageServer) -> Any:
    """The page in one window, whose network is loaded, with a camera that may be used."""
    page = open_page(host.url, camera=True, accept_downloads=True)
    page.wait_for_selector(READY)
    return page


@pytest.fixture
def page(window: Any) -> Iterator[Any]:
    window.wait_for_selector(READY)
    yield window
    assert window.problems == []


@pytest.fixture(scope="module")
def pipe() -> Any:
    """The pipeline that the page must equal."""
    return pipeline("style-kernel", runtime="onnx")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A photo and two paintings."""
    folder = tmp_path_factory.mktemp("pictures")
    sizes = ((150, 113), (130, 170), (200, 90))
    for index, size in enumerate(sizes):
        save_picture(folder / f"{index}.png", size, seed=index)
    return [folder / f"{index}.png" for index in range(len(sizes))]


def packed(path: Path) -> tuple[int, int, str]:
    with Image.open(path) as image:
        data = base64.b64encode(image.convert("RGBA").tobytes()).decode()
        return image.width, image.height, data


def stylized(page: Any, files: list[Path], **order: Any) -> npt.NDArray[np.float64]:
    photo, *paintings = map(packed, files)
    data = base64.b64decode(page.evaluate(STYLIZE, [photo, paintings, order]))
    return np.frombuffer(data, np.uint8).reshape(photo[1], photo[0], 4)[..., :3].astype(float)


def test_visitors_picture_is_that_of_the_pipeline(
    page: Any, pictures: list[Path], pipe: Any
) -> None:
    photo, painting, _ = pictures
    page.set_input_files("#painting-file", painting)
    page.set_input_files("#photo-file", photo)
    page.wait_for_selector("#result .after[width='150']")
    page.wait_for_selector(READY)
    expected = pixels(pipe(photo, painting).images[0])
    difference = np.abs(shown(page) - expected)
    assert difference.mean() < 0.1 and difference.max() <= 2
    assert np.abs(shown(page, "#result .before") - pixels(Image.open(photo))).max() == 0
    words = page.locator("#result .after").get_attribute("aria-label")
    assert words == "The photo in the style of 1"


@pytest.mark.parametrize(
    ("order", "options"),
    [
        ({"strength": 0.6, "shares": [0.7, 0.3]}, {"strength": 0.6, "style_weights": [0.7, 0.3]}),
        (
            {"shares": [0.5, 0.5], "strokeScale": 2, "color": "luminance"},
            {"style_weights": [1, 1], "stroke_scale": 2, "color": "luminance"},
        ),
        ({"strokeScale": 0.5, "color": "statistics"}, {"stroke_scale": 0.5, "color": "statistics"}),
        ({"color": "transfer", "strength": 0.8}, {"color": "transfer", "strength": 0.8}),
        ({"onePiece": 1000, "tile": 48}, {}),
        ({"onePiece": 1000, "tile": 64, "strength": 0.5}, {"strength": 0.5}),
    ],
)
def test_controls_and_tiles_do_what_the_pipeline_does(
    page: Any, pictures: list[Path], pipe: Any, order: dict[str, Any], options: dict[str, Any]
) -> None:
    files = pictures[: 1 + len(order.get("shares", [1]))]
    usual = {"strength": 1, "strokeScale": 1, "color": "style", "shares": [1]}
    actual = stylized(page, files, **{**usual, **order})
    styles = [str(path) for path in files[1:]]
    single = len(styles) == 1
    expected = pixels(pipe(files[0], styles[0] if single else styles, **options).images[0])
    difference = np.abs(actual - expected)
    assert difference.mean() < 0.6 and difference.max() <= 4
    assert np.abs(expected - pixels(Image.open(files[0]))).mean() > 4


def test_paintings_are_taken_and_mixed_by_their_tiles(page: Any) -> None:
    before = shown(page)
    page.click("[data-name='Icon']")
    page.click("#mixing")
    page.click("[data-name='Rocks']")
    assert page.locator("#share-name").inner_text() == "Share of Rocks"
    page.wait_for_selector("#result .after[aria-label$='Icon and Rocks']")
    page.wait_for_selector(READY)
    assert np.abs(shown(page) - before).mean() > 4
    page.click("#mixing")
    assert page.locator(".tile[aria-pressed=true]").all_inner_texts() == ["Rocks"]


def test_line_between_before_and_after_is_moved_by_keys(page: Any) -> None:
    page.focus("#result input")
    page.keyboard.press("ArrowRight")
    style = page.locator("#result .pictures").get_attribute("style")
    assert "--at: 51%" in style


def test_what_cannot_be_read_is_told_in_words(page: Any, tmp_path: Path) -> None:
    text, broken, tiny = tmp_path / "notes.txt", tmp_path / "broken.png", tmp_path / "tiny.png"
    text.write_text("no picture")
    broken.write_bytes(b"\x89PNG and nothing more")
    Image.new("RGB", (9, 40)).save(tiny)
    before = shown(page)
    for path, words in (
        (text, "“notes.txt” is not a picture."),
        (broken, "“broken.png” cannot be read"),
        (tiny, "“tiny.png” must be at least 16 px a side, got 9x40."),
    ):
        page.set_input_files("#photo-file", path)
        assert in_words(page).startswith(words)
    page.evaluate(
        "document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: new DataTransfer()}))"
    )
    assert in_words(page).startswith("There is no picture in the clipboard.")
    page.set_input_files("#painting-file", text)
    assert "is not a picture" in in_words(page)
    assert (shown(page) == before).all()


@pytest.mark.parametrize(("view", "scheme"), [("photo", "light"), ("live", "dark")])
def test_page_is_accessible_and_fits_a_phone(page: Any, view: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.click(f"#tab-{view}")
    assert violations(page, runOnly=["wcag2a", "wcag2aa", "best-practice"]) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(TOO_WIDE) == []
    page.set_viewport_size({"width": 1440, "height": 900})
    page.click("#tab-photo")
    page.wait_for_selector(READY)


def test_camera_is_stylized_live_recorded_and_photographed(page: Any) -> None:
    page.click("#tab-live")
    page.click("#start")
    wait_for_frames(page, 2)
    assert "frames a second" in page.locator(".counter").inner_text()
    # There is no GPU here.
    page.wait_for_selector("#live-note:has-text('computed on the processor')")
    first = shown(page, "#live canvas")
    page.select_option("#live-size", "120")
    page.click("[data-name='Pop dots']")
    page.wait_for_selector("#live canvas[height='120']")
    page.click("#record")
    wait_for_frames(page, 4)
    later = shown(page, "#live canvas")
    assert np.abs(later.mean((0, 1)) - first.mean((0, 1))).max() > 4
    with page.expect_download() as download:
        page.click("#record")
    recorded = Path(download.value.path()).read_bytes()
    assert recorded.startswith(b"\x1aE\xdf\xa3") and b"webm" in recorded[:64]
    page.click("#take-photo")
    page.wait_for_selector("#result .after[width='320']")
    page.wait_for_selector(READY)
    assert page.locator("#live[data-empty=true]").count() == 1


def test_faster_gpu_is_used_and_a_silent_one_replaced_by_the_processor(page: Any) -> None:
    page.evaluate(STAND_IN_GPU, 10**6)
    page.evaluate("refusal = 'no shaders'")
    page.click("#tab-live")
    page.click("#start")
    page.wait_for_selector("#live-note:has-text('The GPU could not be used')")
    wait_for_frames(page, 1)
    page.click("#start")
    page.evaluate("refusal = ''")
    page.click("#start")
    page.wait_for_selector("#live-note:has-text('computed on the GPU')")
    page.wait_for_selector("#live canvas[width='7']")
    page.evaluate("silenceGpu()")
    assert in_words(page).startswith("The GPU was lost")
    page.wait_for_selector("#live-note:has-text('on the processor until this page is loaded')")
    wait_for_frames(page, 2)
    assert shown(page, "#live canvas").std() > 1
    page.click("#start")


def test_camera_does_not_wait_for_a_gpu_that_is_slower(page: Any) -> None:
    page.reload()
    page.wait_for_selector(READY)
    # It loads, encodes the painting and makes one frame.
    page.evaluate(STAND_IN_GPU, 3)
    page.click("#tab-live")
    page.click("#start")
    page.wait_for_selector("#live-note:has-text('much longer on the GPU, so')")
    assert page.locator("#live-note").inner_text().endswith("computed on the processor.")
    wait_for_frames(page, 2)
    page.click("#start")
    page.click("#tab-photo")


def test_refused_and_missing_cameras_are_told_in_words(page: Any) -> None:
    page.context.clear_permissions()
    page.click("#open-camera")
    assert in_words(page).startswith("The camera may not be used: it was not allowed.")
    page.evaluate("""() => {
        const fail = async () => { throw new DOMException("", "NotFoundError"); };
        navigator.mediaDevices.getUserMedia = fail;
    }""")
    page.click("#start")
    assert in_words(page) == "There is no camera on this device."
    page.evaluate("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    page.click("#start")
    assert in_words(page) == "This browser gives pages no camera."
    page.click("#tab-photo")
    page.wait_for_selector(READY)


def test_download_has_the_size_of_the_photo(page: Any, tmp_path: Path) -> None:
    photo = tmp_path / "large.png"
    save_picture(photo, (520, 560), seed=9)
    page.set_input_files("#photo-file", photo)
    page.wait_for_selector("#result .after[width='512']")
    page.wait_for_selector(READY)
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename.startswith("large in the style of ")
    page.wait_for_selector("#progress", state="hidden")
    with Image.open(download.value.path()) as image:
        assert image.size == (520, 560) and image.format == "JPEG"


def test_page_works_offline_once_loaded(page: Any, host: PageServer, pictures: list[Path]) -> None:
    page.wait_for_selector("body[data-offline=true]")
    assert sum(host.sent.values()) < 12_000_000
    files = host.sent.copy()
    host.is_cut = True
    try:
        page.reload()
        page.wait_for_selector(READY)
        page.set_input_files("#photo-file", pictures[0])
        page.wait_for_selector("#result .after[width='150']")
        page.click("[data-name='Mosaic']")
        page.wait_for_selector("#result .after[aria-label$='Mosaic']")
        page.wait_for_selector(READY)
    finally:
        host.is_cut = False
    assert page.evaluate("crossOriginIsolated")
    assert host.sent == files


def test_host_without_headers_is_told_of_or_made_up_for(
    open_page: Callable[..., Any], built: Path
) -> None:
    with serving(built, headers={}) as host:
        page = open_page(f"{host.url}?no-worker")
        page.wait_for_selector("#slow:has-text('one processor core only')")
        page.close()
        page = open_page(host.url, script=MARK_ISOLATED)
        page.wait_for_selector("body[data-isolated=true]")
        page.close()


def test_page_without_room_to_keep_files_works_online(
    open_page: Callable[..., Any], built: Path
) -> None:
    with serving(built, headers={}) as host:
        page = open_page("about:blank", script=MARK_ISOLATED)
        quota = {"origin": host.url, "quotaSize": 20_000}
        page.context.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", quota)
        page.goto(host.url)
        page.wait_for_selector("body[data-isolated=true] [data-name='Mosaic']")
        kept = "caches.match('pictures.json').then((kept) => Boolean(kept))"
        assert not page.evaluate(kept)
        assert page.problems == []
        page.close()


def test_old_browsers_are_told_what_they_lack(
    open_page: Callable[..., Any], host: PageServer
) -> None:
    page = open_page(host.url, script="WebAssembly.validate = () => false;")
    assert in_words(page).startswith("This browser has no WebAssembly SIMD")
