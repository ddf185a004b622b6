"""Load on a server of the demo, with the embedded weights: `python -m tests.demo.load`.

It prints how long visitors wait, beside each other, beside large works and after large works that
were ended, and how the server's memory grows. Run it on a quiet machine; no test runs it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import av
import httpx
import numpy as np
import psutil
from PIL import Image

from demo.catalog import photo_path
from tests.chromium import launched
from tests.demo.visitor import Visitor

ROOT = Path(__file__).parents[2]
VISITORS, REQUESTS = 50, 100
FEW, MANY = 50, 500
"""Requests after which the memory is compared."""
PAUSE = 8
"""Seconds after which a server without work has given freed memory back."""
FULL, PHONE = (6464, 4848), (4032, 3024)
"""Width and height in px of photos of 31 and of 12 megapixels."""
FRAMES = 300
"""Frames of a clip of ten seconds."""
SLOW = {"offline": False, "latency": 20, "downloadThroughput": 2e5, "uploadThroughput": 2e5}
"""A connection of 1.6 Mbit/s, in bytes and milliseconds."""
SERVER = """
import sys, time
from demo.interface import build_demo, launch_options
from demo.studio import Studio
from stylekernel_hf import keep_freed_memory, share_processors

keep_freed_memory()
share_processors()
studio = Studio()
demo = build_demo(studio)
demo.launch(prevent_thread_lock=True, quiet=True, **launch_options(studio))
print("at", demo.local_url, flush=True)
time.sleep(1e6)
"""


@contextmanager
def server(folder: Path) -> Iterator[tuple[Any, psutil.Process]]:
    """Run a server; give what a Visitor needs of it, and its process."""
    environment = {**os.environ, "GRADIO_TEMP_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = next(line.split()[1] for line in process.stdout if line.startswith("at "))
        names = httpx.get(f"{url}config", timeout=60).json()["dependencies"]
        fns = {
            each["id"]: SimpleNamespace(api_name=each["api_name"], _id=each["id"]) for each in names
        }
        try:
            yield SimpleNamespace(local_url=url, fns=fns), psutil.Process(process.pid)
        finally:
            process.terminate()


def photo(path: Path, size: tuple[int, int]) -> Path:
    """Write a JPEG of a size, from an example photo and a little noise."""
    with Image.open(photo_path("Coffee")) as picture:
        pixels = np.asarray(picture.resize(size), np.int16)
    noise = np.random.default_rng(0).integers(-6, 7, pixels.shape, np.int16)
    Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)).save(path, quality=85)
    return path


def clip(path: Path) -> Path:
    """Write a clip of 720p, whose frames are an example photo that moves."""
    with Image.open(photo_path("Coffee")) as picture:
        pixels = np.asarray(picture.convert("RGB").resize((1280, 720)))
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", 30, {"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for number in range(FRAMES):
            moved = np.roll(pixels, 3 * number, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(moved, "rgb24")))
        container.mux(stream.encode(None))
    return path


def report(what: str, figure: str) -> None:
    """Print one figure."""
    sys.stdout.write(f"{what:<62} {figure}\n")
    sys.stdout.flush()


def ask(visitor: Visitor, name: str, picture: Any) -> tuple[float, float, bool]:
    """Ask once; return the seconds until the work began and ended, and whether it succeeded."""
    session, begun = uuid.uuid4().hex, time.monotonic()
    answer = visitor.join(name, picture, session=session)
    if answer.status_code != 200:
        return 0.0, 0.0, False
    started = 0.0
    for message in visitor.messages(session):
        if message["msg"] == "process_starts":
            started = time.monotonic() - begun
        if message["msg"] == "process_completed":
            return started, time.monotonic() - begun, message["success"]
    return started, time.monotonic() - begun, False


def page(url: str) -> None:
    """Open the page in a browser that knows nothing of it, by a slow connection."""
    answer = httpx.get(url, headers={"accept-encoding": "br"})
    report("HTML, compressed", f"{int(answer.headers['content-length']) / 1000:.0f} kB")
    sizes: list[float] = []
    kinds: dict[str, str] = {}
    by_kind: dict[str, list[float]] = {}

    def note(each: dict[str, Any]) -> None:
        sizes.append(each["encodedDataLength"])
        by_kind.setdefault(kinds.get(each["requestId"], "other"), []).append(sizes[-1])

    with launched() as browser:
        window = browser.new_page()
        network = window.context.new_cdp_session(window)
        network.send("Network.enable")
        network.send("Network.emulateNetworkConditions", SLOW)
        network.on(
            "Network.responseReceived",
            lambda each: kinds.update({each["requestId"]: each["type"]}),
        )
        network.on("Network.loadingFinished", note)
        window.set_default_timeout(120_000)
        begun = time.monotonic()
        window.goto(url, wait_until="commit")
        window.wait_for_selector(".viewer[data-empty=false]")
        report("Page at 1.6 Mbit/s: usable after", f"{time.monotonic() - begun:.1f} s")
        report("  until then", f"{len(sizes)} requests, {sum(sizes) / 1000:.0f} kB")
        seconds = sum(sizes) / SLOW["downloadThroughput"]
        report("  of which the connection alone takes", f"{seconds:.1f} s")
        for kind, those in sorted(by_kind.items(), key=lambda each: -sum(each[1])):
            report(f"    {kind}", f"{len(those)} requests, {sum(those) / 1000:.0f} kB")
        window.wait_for_load_state("networkidle")
        report("  in all", f"{len(sizes)} requests, {sum(sizes) / 1000:.0f} kB")


def crowd(app: Any, picture: Path) -> None:
    """Let many visitors ask at once, each for one thing after the other."""
    visitors = [Visitor(app) for _ in range(VISITORS)]
    uploads = [visitor.upload(picture) for visitor in visitors]

    def visit(number: int) -> list[tuple[float, float, bool]]:
        turns = REQUESTS // VISITORS
        return [ask(visitors[number], "stylize", uploads[number]) for _ in range(turns)]

    begun = time.monotonic()
    with ThreadPoolExecutor(VISITORS) as pool:
        answers = [each for visit in pool.map(visit, range(VISITORS)) for each in visit]
    seconds = time.monotonic() - begun
    failed = sum(not good for *_, good in answers)
    waited = [whole for _, whole, _ in answers]
    report(f"{VISITORS} visitors, {REQUESTS} requests: failed", f"{failed}")
    report("  all of them, from first to last", f"{seconds:.1f} s")
    report("  median and longest wait", f"{median(waited):.1f} s, {max(waited):.1f} s")


def end_early(app: Any, name: str, work: Path, small: Path, how: str, after: float) -> None:
    """End a work; say how long the next one waits for the painter, and a preview for its end."""
    one, other, third = Visitor(app), Visitor(app), Visitor(app)
    given, next_one, wanted = one.upload(work), other.upload(small), third.upload(small)
    event = one.join(name, given).json()["event_id"]
    share, until, is_done = 0.0, None, False
    for message in one.messages():
        if message["msg"] == "process_starts":
            until = time.monotonic() + after
        if message["msg"] == "progress":
            share = message["progress_data"][-1]["progress"] or 0.0
        is_done = message["msg"] == "process_completed"
        if is_done or (until and time.monotonic() > until):
            break
    # The stream is closed by now.
    if how == "cancelled":
        one.cancel(name, event)
    with ThreadPoolExecutor() as pool:
        preview = pool.submit(ask, third, "stylize", wanted)
        started, _, good = ask(other, "full_size", next_one)
        begun, answered, seen = preview.result()
    report(f"{work.stem} {how} after {after:.0f} s", "was done" if is_done else f"{share:.0%} done")
    report("  the next full size begins in", f"{started:.2f} s" if good else "failed")
    words = f"{begun:.2f} s, {answered:.2f} s" if seen else "failed"
    report("  a preview begins in, and is there in", words)


def preview_beside_full_size(app: Any, large: Path, small: Path) -> None:
    """Ask for a preview alone, and then while a full size is made."""
    one, other = Visitor(app), Visitor(app)
    picture, wanted = other.upload(small), one.upload(large)
    ask(other, "stylize", picture)
    alone = [ask(other, "stylize", picture)[1] for _ in range(3)]
    report("Preview alone, from request to answer", f"{median(alone):.2f} s")
    with ThreadPoolExecutor() as pool:
        begun = time.monotonic()
        work = pool.submit(ask, one, "full_size", wanted)
        beside: list[tuple[float, float, bool]] = []
        while not work.done() and len(beside) < 8:
            time.sleep(2)
            beside.append(ask(other, "stylize", picture))
        _, _, good = work.result()
        whole = time.monotonic() - begun
    begun_in, answered_in = max(b for b, *_ in beside), [e for _, e, _ in beside]
    report("Previews beside 31 megapixels: longest until begun", f"{begun_in:.2f} s")
    times = f"{median(answered_in):.2f} s, {max(answered_in):.2f} s"
    report("  median and longest from request to answer", times)
    report("  the full size itself", f"{whole:.1f} s" if good else "failed")


def memory(app: Any, process: psutil.Process, picture: Path) -> None:
    """Compare the server's memory after few and after many requests."""
    visitor = Visitor(app)
    upload = visitor.upload(picture)
    sizes: list[float] = []
    for count in (FEW, MANY - FEW):
        good = sum(ask(visitor, "stylize", upload)[2] for _ in range(count))
        time.sleep(PAUSE)
        processes = [process, *process.children(recursive=True)]
        sizes.append(sum(each.memory_info().rss for each in processes) / 2**20)
        report(f"Memory after {count} more requests ({good} succeeded)", f"{sizes[-1]:.0f} MiB")
    report("  growth", f"{100 * (sizes[1] / sizes[0] - 1):+.0f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts = ("page", "crowd", "ends", "beside", "memory")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(parts)}; all by default")
    chosen = parser.parse_args().parts or parts
    with tempfile.TemporaryDirectory() as folder:
        small = photo(Path(folder, "small.jpg"), (384, 256))
        large = photo(Path(folder, "31 megapixels.jpg"), FULL)
        with server(Path(folder, "uploads")) as (app, process):
            if "page" in chosen:
                page(app.local_url)
            if "crowd" in chosen:
                crowd(app, small)
            if "ends" in chosen:
                phone = photo(Path(folder, "12 megapixels.jpg"), PHONE)
                moving = clip(Path(folder, "a clip.mp4"))
                for how in ("cancelled", "closed"):
                    for name, work, moments in (
                        ("full_size", phone, (0, 2, 4)),
                        ("full_size", large, (0, 4, 12)),
                        ("stylize_video", moving, (0, 2, 12)),
                    ):
                        for after in moments:
                            end_early(app, name, work, small, how, after)
            if "beside" in chosen:
                preview_beside_full_size(app, large, small)
            if "memory" in chosen:
                memory(app, process, small)


if __name__ == "__main__":
    main()
