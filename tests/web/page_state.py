"""What the page shows, and waiting for it."""

from __future__ import annotations

import base64
import io
import time
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.web.conftest import TIMEOUT

READY = "body[data-ready=true][data-busy=false]"
MESSAGE = ".message:visible span"
PIXELS = """(selector) => document.querySelector(selector).toDataURL()"""


def pixels(image: Image.Image) -> npt.NDArray[np.float64]:
    return np.asarray(image.convert("RGB")).astype(float)


def shown(page: Any, selector: str = "#result .after") -> npt.NDArray[np.float64]:
    data = page.evaluate(PIXELS, selector).split(",")[1]
    return pixels(Image.open(io.BytesIO(base64.b64decode(data))))


def in_words(page: Any) -> str:
    page.wait_for_selector(MESSAGE)
    said = page.locator(MESSAGE).inner_text()
    page.click(".message button")
    return said


def wait_for_frames(page: Any, count: int) -> None:
    """Wait until so many further frames of the camera were shown."""
    counter = page.locator(".counter")
    first = int(counter.get_attribute("data-frames") or 0)
    end = time.monotonic() + TIMEOUT / 1000
    while int(counter.get_attribute("data-frames") or 0) < first + count:
        assert time.monotonic() < end, page.locator(".message").inner_text()
        page.wait_for_timeout(20)
