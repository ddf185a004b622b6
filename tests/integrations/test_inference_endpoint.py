"""The handler in a server that answers as Hugging Face's inference toolkit 0.5 does.

The toolkit, which no package index has, imports `handler.py` of a repository, makes an
`EndpointHandler` of its folder, and calls it with the JSON of a request. It sends the image in the
format that the request accepts, and an error as JSON with status 400.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from huggingface_hub import InferenceClient
from PIL import Image

from stylekernel_hf import EndpointHandler, StyleKernelPipeline
from stylekernel_hf.integrations import inference_endpoint
from tests.tiny import save_picture, vivid_model


def base64_of(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def picture_of(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub") / "repository"
    StyleKernelPipeline(vivid_model()).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def handler(repository: Path) -> EndpointHandler:
    place = importlib.util.spec_from_file_location("handler", repository / "handler.py")
    assert place is not None and place.loader is not None
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module.EndpointHandler(str(repository))


@pytest.fixture(scope="module")
def url(handler: EndpointHandler) -> Iterator[str]:
    class Toolkit(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            accept = self.headers.get("Accept") or "*/*"
            accept = "application/json" if accept == "*/*" else accept
            try:
                image = handler(json.loads(body))
            except Exception as error:
                self.send(400, "application/json", json.dumps({"error": str(error)}).encode())
                return
            as_json = accept == "application/json"
            file = io.BytesIO()
            image.save(file, format="PNG" if as_json else accept.rpartition("/")[2].upper())
            text = json.dumps(base64.b64encode(file.getvalue()).decode())
            self.send(200, accept, text.encode() if as_json else file.getvalue())

        def send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Toolkit) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    return [save_picture(tmp_path / f"{seed}.png", seed=seed) for seed in range(3)]


@pytest.mark.parametrize("accept", ["*/*", "image/png", "image/jpeg"])
def test_answer_is_what_the_pipeline_paints(url: str, pictures: list[Path], accept: str) -> None:
    photo, painting, _ = map(base64_of, pictures)
    parameters = {"painting": painting, "strength": 0.5, "stroke_scale": 2, "color": "luminance"}
    answer = httpx.post(
        url, json={"inputs": photo, "parameters": parameters}, headers={"Accept": accept}
    )
    assert answer.status_code == 200
    file = base64.b64decode(answer.json()) if accept == "*/*" else answer.content
    actual = Image.open(io.BytesIO(file))
    assert actual.format == ("JPEG" if accept == "image/jpeg" else "PNG")
    pipe = StyleKernelPipeline(vivid_model())
    controls: dict[str, Any] = {"strength": 0.5, "stroke_scale": 2, "color": "luminance"}
    expected = pipe(pictures[0], pictures[1], **controls).images[0]
    difference = np.abs(np.asarray(actual, float) - np.asarray(expected, float))
    assert difference.mean() < 4 if accept == "image/jpeg" else difference.max() == 0


def test_hubs_client_sends_the_painting_as_a_parameter(url: str, pictures: list[Path]) -> None:
    client = InferenceClient(model=url)
    painting = base64_of(pictures[1])
    actual = client.image_to_image(pictures[0], painting=painting, strength=0.7)
    expected = StyleKernelPipeline(vivid_model())(pictures[0], pictures[1], strength=0.7).images[0]
    assert np.abs(np.asarray(actual, float) - np.asarray(expected, float)).max() == 0


def test_fields_may_be_beside_the_photo_and_pictures_data_urls(
    handler: EndpointHandler, pictures: list[Path]
) -> None:
    photo, *paintings = map(base64_of, pictures)
    broken = "\n".join(photo[i : i + 76] for i in range(0, len(photo), 76))
    urls = [f"data:image/png;base64,{painting}" for painting in paintings]
    actual = handler({"inputs": {"photo": broken, "painting": urls}})
    pipe = StyleKernelPipeline(vivid_model())
    expected = pipe(pictures[0], pictures[1:], style_weights=[1, 1]).images[0]
    assert np.array_equal(np.asarray(actual), np.asarray(expected))


def test_masks_say_where_each_painting_goes(
    handler: EndpointHandler, pictures: list[Path], tmp_path: Path
) -> None:
    left = np.zeros((40, 48), np.uint8)
    left[:, :24] = 255
    for name, mask in (("left", left), ("right", 255 - left)):
        Image.fromarray(mask).save(tmp_path / f"{name}.png")
    masks = [tmp_path / "left.png", tmp_path / "right.png"]
    fields = {"painting": [*map(base64_of, pictures[1:])], "masks": [*map(base64_of, masks)]}
    actual = handler({"inputs": base64_of(pictures[0]), "parameters": fields})
    pipe = StyleKernelPipeline(vivid_model())
    expected = pipe(pictures[0], pictures[1:], masks=masks).images[0]
    assert np.array_equal(np.asarray(actual), np.asarray(expected))


def test_an_image_body_has_no_painting(handler: EndpointHandler, pictures: list[Path]) -> None:
    """The toolkit decodes a body of type image/png itself, and passes nothing else."""
    with pytest.raises(ValueError, match="painting must be given"):
        handler({"inputs": Image.open(pictures[0]).convert("RGB")})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"inputs": "/etc/passwd", "parameters": {"painting": "P"}}, "photo must be base64"),
        ({"inputs": "file:///etc/passwd", "parameters": {}}, "photo must be base64"),
        ({"inputs": {"photo": "http://localhost/a.png"}}, "photo must be base64"),
        (
            {"inputs": {"photo": "P", "painting": ["P", "a/x.png"]}},
            r"painting\[1\] must be base64",
        ),
        ({"inputs": {"photo": 3}}, "photo must be base64 of an image file, got 3"),
        ({"inputs": "AAAA", "parameters": {}}, "photo must be an image file, but the data given"),
        ({"inputs": "P"}, "painting must be given"),
        ({"inputs": {}}, "photo must be given"),
        ({}, "photo must be given"),
        ([], "the request must be an object"),
        ({"inputs": "P", "options": {}}, "the request must hold inputs, parameters only"),
        ({"inputs": {"photo": "P", "style": "P"}}, "inputs must hold .* only, got 'style'"),
        ({"inputs": "P", "parameters": {"photo": "P"}}, "photo must be given once"),
        ({"inputs": "P", "parameters": [1]}, r"parameters must be an object, got \[1\]"),
        (
            {"inputs": "P", "parameters": {"painting": []}},
            "must be 1 to 8 pictures, got 0",
        ),
        ({"inputs": "P", "parameters": {"painting": ["P"] * 9}}, "1 to 8 pictures, got 9"),
        ({"inputs": "P", "parameters": {"painting": "P", "masks": "P"}}, "masks must be a list"),
        (
            {"inputs": "P", "parameters": {"painting": "P", "masks": ["P", "P"]}},
            "masks must be one image per style",
        ),
        (
            {"inputs": "P", "parameters": {"painting": "P", "strength": "/etc/passwd"}},
            "strength must be a number",
        ),
        ({"inputs": "P", "parameters": {"painting": "P", "strength": 2}}, "strength must lie in"),
        ({"inputs": "P", "parameters": {"painting": "P", "color": "red"}}, "color must be 'style'"),
        ({"inputs": "P", "parameters": {"painting": "P", "stroke_scale": 9}}, "stroke_scale must"),
        ({"inputs": "P", "parameters": {"painting": "P", "style_weights": "1"}}, "style_weights"),
    ],
)
def test_request_that_cannot_be_met_is_answered_with_the_field(
    url: str, pictures: list[Path], body: Any, message: str
) -> None:
    text = json.dumps(body).replace('"P"', f'"{base64_of(pictures[0])}"')
    answer = httpx.post(url, content=text)
    assert answer.status_code == 400
    assert re.search(message, answer.json()["error"])


def test_large_pictures_are_refused_before_they_are_decoded(
    handler: EndpointHandler, pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, painting, _ = map(base64_of, pictures)
    file = io.BytesIO()
    Image.new("1", (2**13, 2**13)).save(file, "PNG")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: pytest.fail("it was decoded"))
    huge = base64.b64encode(file.getvalue()).decode()
    with pytest.raises(ValueError, match="photo must have at most 33554432 pixels, got 8192x8192"):
        handler({"inputs": huge, "parameters": {"painting": painting}})
    size = len(pictures[0].read_bytes())
    monkeypatch.setattr(inference_endpoint, "MAX_FILE_BYTES", size - 1)
    with pytest.raises(ValueError, match=f"photo must have at most {size - 1} bytes, got {size}"):
        handler({"inputs": photo, "parameters": {"painting": painting}})
    monkeypatch.setattr(inference_endpoint, "MAX_FILE_BYTES", 100)
    with pytest.raises(ValueError, match=f"at most 100 bytes, got base64 of {len(photo)} letters"):
        handler({"inputs": photo, "parameters": {"painting": painting}})


def test_repository_names_the_package_that_the_endpoint_installs(repository: Path) -> None:
    (line,) = (repository / "requirements.txt").read_text().splitlines()
    assert line.startswith("stylekernel-hf>=")
