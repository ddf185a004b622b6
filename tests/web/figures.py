"""Prints how fast the page in the browser is on this machine: `python -m tests.web.figures`.

Needs Chromium, and onnxruntime-web in node_modules. The browser's camera is a film of 320 x 240 px;
with `--gpu` it may use WebGPU, and the adapter that it has is named.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import sync_playwright

from stylekernel_hf.cli.hub_web import build_web
from tests.web.film import write_film
from tests.web.page_server import serving

ROOT = Path(__file__).parents[2]
READY = "body[data-ready=true][data-busy=false]"
REPEATED = """async () => {
    const { engine } = await import(new URL("js/app.js", location).href);
    const [width, height] = [512, 512], data = new Uint8ClampedArray(4 * width * height);
    for (let index = 0; index < data.length; index++) data[index] = (index * 2654435761) >>> 24;
    const order = { names: ["Swirling oil"], shares: [1], strength: 1, strokeScale: 1 };
    const times = [];
    for (let count = 0; count < 5; count++) {
        const start = performance.now();
        const pixels = { width, height, data: data.slice() };
        await engine.call("stylize", { ...order, color: "style", pixels });
        times.push(performance.now() - start);
    }
    return times.sort((one, other) => one - other)[2];
}"""
"""The median time in ms that a photo of 512 x 512 px takes."""
CHOSEN = "#live-note:has-text('computed on'):not(:has-text('being tried'))"
ADAPTER = """async () => {
    const adapter = await navigator.gpu?.requestAdapter();
    if (!adapter) return "none";
    const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
    const named = [vendor, architecture, description].filter(Boolean).join(" ") || "without a name";
    return named + (isFallbackAdapter ? ", in software: the page leaves it alone" : "");
}"""


def live_rate(page: Any, seconds: float) -> float:
    """Return how many frames of the camera were shown in a second."""
    counter = page.locator(".counter")

    def shown() -> int:
        return int(counter.get_attribute("data-frames") or 0)

    while shown() < 3:
        page.wait_for_timeout(20)
    first, start = shown(), time.perf_counter()
    page.wait_for_timeout(1000 * seconds)
    return (shown() - first) / (time.perf_counter() - start)


def memory() -> float:
    """Return the memory in MB that the browser's processes have for themselves."""
    processes = psutil.Process().children(recursive=True)
    return sum(each.memory_full_info().uss for each in processes if each.is_running()) / 1e6


def tell(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gpu", action="store_true", help="let the browser use WebGPU")
    parser.add_argument("--seconds", type=float, default=10, help="how long the camera is watched")
    options = parser.parse_args()
    gpu = (
        ["--enable-unsafe-webgpu", "--enable-features=Vulkan"] if options.gpu else ["--disable-gpu"]
    )
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder, film = Path(temporary, "page"), Path(temporary, "camera.y4m")
        build_web(ROOT / "hub_card" / "web", folder)
        write_film(film)
        camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        camera.append(f"--use-file-for-fake-video-capture={film}")
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", *camera, *gpu]
        )
        with serving(folder) as host:
            page = browser.new_page()
            page.set_default_timeout(240_000)
            start = time.perf_counter()
            page.goto(host.url)
            page.wait_for_selector(READY)
            tell(f"first picture, from an empty cache: {time.perf_counter() - start:.2f} s")
            tell(f"bytes until then: {sum(host.sent.values()) / 1e6:.2f} MB")
            page.wait_for_selector("body[data-offline=true]")
            tell(f"bytes until it works offline: {sum(host.sent.values()) / 1e6:.2f} MB")
            tell(f"a photo of 512 x 512 px: {page.evaluate(REPEATED) / 1000:.3f} s")
            tell(f"memory of the browser: {memory():.0f} MB")
            tell(f"adapter of WebGPU: {page.evaluate(ADAPTER)}")
            page.click("#tab-live")
            page.click("#start")
            page.wait_for_selector(CHOSEN)
            page.select_option("#live-size", "240")
            tell(f"camera, 320 x 240: {live_rate(page, options.seconds):.1f} frames a second")
            page.select_option("#live-size", "")
            page.wait_for_timeout(2000)
            rate = live_rate(page, options.seconds)
            words = page.locator(".counter").inner_text().partition(", ")[2]
            tell(f"camera, size chosen by the page ({words}): {rate:.1f} frames a second")
            tell(f"memory of the browser: {memory():.0f} MB")
            tell(page.locator("#live-note").inner_text())
        browser.close()


if __name__ == "__main__":
    main()
