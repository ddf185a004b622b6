"""The live camera on WebGPU, for which Chromium has an adapter in software."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.web.page_server import serving
from tests.web.page_state import READY, in_words, shown, wait_for_frames

pytestmark = pytest.mark.slow(reason="shaders are compiled for an adapter in software")

FIND_GPU = """async () => {
    const adapter = await navigator.gpu?.requestAdapter();
    const { findGpu } = await import(new URL("js/support.js", location).href);
    return adapter ? (await findGpu()).words : null;
}"""
PREFER_GPU = """async () => {
    const { engine } = await import(new URL("js/app.js", location).href);
    const { Engine } = await import(new URL("js/engine.js", location).href);
    const call = (Engine.prototype.plainCall = Engine.prototype.call);
    let now = 0;
    window.onGpu = 0;
    Object.defineProperty(GPUAdapterInfo.prototype, "isFallbackAdapter", { get: () => false });
    performance.now = () => now;
    Engine.prototype.call = async function (type, order, options) {
        if (this !== engine) window.gpu = this;
        if (type !== "frame") return call.call(this, type, order, options);
        const small = { ...order, width: 16, height: 16 };
        // Without this, the processor would have no time for the GPU that it stands in for.
        if (this === engine) await new Promise((resume) => setTimeout(resume, 500));
        const made = await call.call(this, type, small, { ...options, patience: Infinity });
        now += this === engine ? 1e6 : 10;
        window.onGpu += this !== engine;
        return made;
    };
}"""
"""Lets a clock pass fast while the processor works, and slowly while the GPU does.

The adapter counts as a GPU, frames have a size that software computes in a moment, and no frame
is too late.
"""
FRAMES = """async ([frames, orders]) => {
    const { engine } = await import(new URL("js/app.js", location).href);
    const { palette } = await import(new URL("js/picker.js", location).href);
    const { paintings } = palette(), names = paintings.map(({ name }) => name), made = [];
    for (const by of [engine, window.gpu]) {
        await by.encode(paintings);
        const bitmaps = await Promise.all(orders.map(({ width, height }, index) => {
            const data = Uint8ClampedArray.from(atob(frames[index]), (each) => each.charCodeAt(0));
            return createImageBitmap(new ImageData(data, width, height));
        }));
        // All at once, so that no frame of the camera comes between them.
        made.push(...await Promise.all(orders.map((order, index) => by.plainCall("frame", {
            names, color: "style", steady: true, bitmap: bitmaps[index], ...order,
        }))));
    }
    return made.map(({ data }) => btoa(String.fromCharCode(...data)));
}"""
"""Frames that follow each other, by the processor and by the GPU."""
LOSE_GPU = """async () => {
    const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
    const runtime = loaded.find((name) => name.endsWith("ort.webgpu.min.mjs"));
    if (runtime) (await (await import(runtime)).env.webgpu.device).destroy();
}"""


@pytest.fixture(scope="module")
def small_page(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, with paintings of 64 px: software takes many seconds for those of 512 px."""
    folder = tmp_path_factory.mktemp("small") / "page"
    shutil.copytree(built, folder, copy_function=os.link)
    script = folder / "js" / "network.js"
    text = script.read_text(encoding="utf-8")
    assert text.count("WORKING_SIDE = 512") == 1
    script.unlink()
    script.write_text(text.replace("WORKING_SIDE = 512", "WORKING_SIDE = 64"), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def page(open_page: Callable[..., Any], small_page: Path) -> Iterator[Any]:
    """The page, for which the GPU seems to be the faster one."""
    with serving(small_page) as host:
        page = open_page(host.url, camera=True)
        page.wait_for_selector(READY)
        words = page.evaluate(FIND_GPU)
        if words is None:
            pytest.skip("needs a Chromium with WebGPU in software")
        assert words.startswith("WebGPU has no GPU here, only software in its place")
        page.evaluate(PREFER_GPU)
        page.click("#tab-live")
        yield page
        assert page.problems == []
        page.close()


def test_live_pictures_move_to_a_gpu_that_is_faster(page: Any) -> None:
    page.click("#start")
    page.wait_for_selector("#live-note:has-text('the GPU is being tried')")
    wait_for_frames(page, 1)
    page.wait_for_selector("#live-note:has-text('10 ms on the GPU, so')")
    tried = page.evaluate("onGpu")
    # One of them may still be the processor's.
    wait_for_frames(page, 2)
    assert page.evaluate("onGpu") > tried
    assert shown(page, "#live canvas").std() > 1


def test_gpu_makes_the_frames_of_the_processor(page: Any) -> None:
    page.click("#mixing")
    page.click("[data-name='Rocks']")
    orders = [
        {"strength": 1, "shares": [0.7, 0.3], "mirror": True},
        {"strength": 1, "shares": [0.2, 0.8]},
        {"strength": 0.6, "shares": [0.2, 0.8]},
    ]
    random = np.random.default_rng(3)
    frames: list[str] = []
    for order in orders:
        order |= {"width": 25, "height": 17}
        frame = random.integers(0, 256, (17, 25, 4), np.uint8)
        frame[..., 3] = 255
        frames.append(base64.b64encode(frame.tobytes()).decode())
    made = [
        np.frombuffer(base64.b64decode(each), np.uint8).astype(int)
        for each in page.evaluate(FRAMES, [frames, orders])
    ]
    for by_processor, by_gpu in zip(made[: len(orders)], made[len(orders) :], strict=True):
        assert by_processor.reshape(-1, 4)[:, :3].std() > 1
        assert np.abs(by_processor - by_gpu).max() <= 2


def test_lost_gpu_is_replaced_by_the_processor(page: Any) -> None:
    for worker in page.workers:
        # Those of the threads answer nothing.
        if worker.url.endswith("/js/worker.js"):
            worker.evaluate(LOSE_GPU)
    assert in_words(page).startswith("The GPU was lost")
    page.wait_for_selector("#live-note:has-text('on the processor until this page is loaded')")
    lost = page.evaluate("onGpu")
    wait_for_frames(page, 2)
    assert page.evaluate("onGpu") == lost
    page.click("#start")
