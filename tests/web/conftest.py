"""The built page, served to a browser that reaches nothing but this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from typer.testing import CliRunner

from stylekernel_hf.cli.app import app
from tests.chromium import launched
from tests.web.film import write_film
from tests.web.page_server import PageServer, serving

ROOT = Path(__file__).parents[2]
TIMEOUT = 240_000
"""ms that a page is waited for: a busy machine takes ten times as long as an idle one."""


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `stylekernel hub build hub_card/web` makes, once for all workers."""
    pytest.importorskip("onnx")
    if not (ROOT / "node_modules" / "onnxruntime-web").is_dir():
        pytest.skip("needs onnxruntime-web in node_modules: npm install --no-save onnxruntime-web")
    own = tmp_path_factory.getbasetemp()
    # The folders of the workers lie in one that they share.
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "web"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            words = ["hub", "build", str(ROOT / "hub_card" / "web"), "-o", str(own / "building")]
            result = CliRunner().invoke(app, words, catch_exceptions=False)
            assert result.exit_code == 0, result.output
            (own / "building").rename(folder)
    return folder


@pytest.fixture(scope="module")
def host(built: Path) -> Iterator[PageServer]:
    with serving(built) as server:
        yield server


@pytest.fixture(scope="module")
def camera_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser's fake camera shows."""
    path = tmp_path_factory.mktemp("camera") / "camera.y4m"
    write_film(path)
    return path


@pytest.fixture(scope="module")
def browser(camera_film: Path) -> Iterator[Any]:
    with launched(
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
        # WebGPU without a GPU: Chromium's software.
        "--enable-unsafe-webgpu",
        "--use-webgpu-adapter=swiftshader",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera_film}",
    ) as running:
        yield running


@pytest.fixture(scope="module")
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens an address in a window of its own, with the errors of its scripts in `problems`."""
    contexts: list[Any] = []

    def opened(address: str, *, camera: bool = False, script: str = "", **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        context.set_default_timeout(TIMEOUT)
        if camera:
            context.grant_permissions(["camera"])
        page = context.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        if script:
            page.add_init_script(script)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
