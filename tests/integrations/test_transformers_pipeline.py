"""`transformers.pipeline("style-kernel")`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from PIL import Image
from torch.utils.data import Dataset

from stylekernel_hf import StyleKernelModel, StyleKernelPipeline, register_with_transformers
from tests.hub.hub_server import HubServer
from tests.loaders import weights_equal
from tests.tiny import save_picture, tiny_model


@pytest.fixture(scope="module")
def painter() -> StyleKernelPipeline:
    return StyleKernelPipeline(tiny_model())


@pytest.fixture(scope="module")
def pipe() -> Any:
    register_with_transformers()
    return transformers.pipeline("style-kernel", model=tiny_model(), device="cpu")


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    return [save_picture(tmp_path / f"{i}.png", (40 + 8 * i, 48), seed=i) for i in range(4)]


def pixels(images: Any) -> list[bytes]:
    return [image.tobytes() for image in images]


def test_picture_is_the_painters(
    pipe: Any, painter: StyleKernelPipeline, pictures: list[Path]
) -> None:
    photo, painting, *_ = pictures
    actual = pipe(photo, style=painting, strength=0.8)
    assert isinstance(actual, Image.Image)
    assert pixels([actual]) == pixels(painter(photo, painting, strength=0.8).images)
    assert pixels([pipe(Image.open(photo), painting)]) == pixels(painter(photo, painting).images)


def test_list_gives_a_list_with_one_style_or_one_each(
    pipe: Any, painter: StyleKernelPipeline, pictures: list[Path]
) -> None:
    photos, paintings = pictures[:2], pictures[2:]
    for style in (paintings[0], paintings):
        actual = pipe(photos, style=style, batch_size=2)
        assert pixels(actual) == pixels(painter(photos, style).images)


class Photos(Dataset[Path]):
    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Path:
        return self.paths[index]


@pytest.mark.parametrize("color", ["style", "transfer"])
def test_streams_are_painted_when_asked(
    pipe: Any, painter: StyleKernelPipeline, pictures: list[Path], color: Any
) -> None:
    photos, painting = pictures[:3], pictures[3]
    read: list[Path] = []

    def stream() -> Iterator[Path]:
        for photo in photos:
            read.append(photo)
            yield photo

    expected = pixels(painter(photos, painting, color=color).images)
    pictures_of_stream = pipe(stream(), style=painting, color=color, batch_size=3)
    assert pixels([next(iter(pictures_of_stream))]) == expected[:1]
    assert read != photos
    assert pixels(pipe(Photos(photos), painting, color=color)) == expected


def test_stream_encodes_its_style_once(
    pipe: Any, pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []
    encode = StyleKernelModel.encode_style
    monkeypatch.setattr(StyleKernelModel, "encode_style", lambda *a: calls.append(a) or encode(*a))
    assert len(list(pipe(Photos(pictures), pictures[0]))) == 4
    assert len(calls) == 1


def test_options_of_the_pipeline_hold_for_every_call(
    painter: StyleKernelPipeline, pictures: list[Path]
) -> None:
    register_with_transformers()
    photo, painting, *_ = pictures
    pipe = transformers.pipeline(
        "style-kernel", model=painter, device="cpu", style=painting, strength=0.5
    )
    assert pixels([pipe(photo)]) == pixels(painter(photo, painting, strength=0.5).images)
    assert pixels([pipe(photo, strength=1)]) == pixels(painter(photo, painting).images)


def test_it_saves_and_pushes_a_repository_of_ours(
    pipe: Any, hub: HubServer, tmp_path: Path
) -> None:
    pipe.save_pretrained(tmp_path / "saved")
    pipe.push_to_hub("painter/waves")
    for place in (tmp_path / "saved", "painter/waves"):
        assert weights_equal(StyleKernelPipeline.from_pretrained(place).model, tiny_model())


def test_its_name_tells_model_dtype_and_device(pipe: Any) -> None:
    assert repr(pipe) == "TransformersStyleKernel(StyleKernelModel, torch.float32, cpu)"


def test_registering_twice_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    register_with_transformers()
    register_with_transformers()
    assert caplog.records == []


def test_mistakes_are_named(pipe: Any, pictures: list[Path]) -> None:
    with pytest.raises(TypeError, match="style must be given"):
        pipe(pictures[0])
    with pytest.raises(ValueError, match=r"strength must lie in \[0, 1\], got 2"):
        pipe(pictures[0], style=pictures[1], strength=2)
    with pytest.raises(TypeError, match="model must be a StyleKernelModel .* got Linear"):
        transformers.pipeline("style-kernel", model=torch.nn.Linear(1, 1))


def test_missing_transformers_is_explained_in_one_line() -> None:
    code = """
import sys
sys.modules["transformers"] = None
import stylekernel_hf
try:
    stylekernel_hf.register_with_transformers()
except ImportError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == (
        "transformers.pipeline needs transformers: pip install 'stylekernel-hf[transformers]'\n"
    ), result.stderr
