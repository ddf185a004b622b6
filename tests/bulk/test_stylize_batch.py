"""Batches of rows, stylized as by the pipeline; Ray is not needed for that."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from stylekernel_hf import StyleKernelPipeline, StylizeBatch
from tests.tiny import save_picture, vivid_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "saved"
    StyleKernelPipeline(vivid_model()).save_pretrained(folder)
    return folder


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    sizes = [(48, 40), (33, 57), (40, 40), (44, 36)]
    return [save_picture(tmp_path / f"{i}.png", size, i) for i, size in enumerate(sizes)]


def pixels(data: bytes) -> np.ndarray[Any, Any]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def expected(photo: Path, painting: Path, **controls: Any) -> np.ndarray[Any, Any]:
    return np.asarray(StyleKernelPipeline(vivid_model())(photo, painting, **controls).images[0])


def test_rows_are_stylized_each_in_its_painting(model: Path, pictures: list[Path]) -> None:
    styles = {"wave": pictures[2], "night": pictures[3]}
    controls = {"strength": 0.7, "color": "statistics", "stroke_scale": 2.0}
    stylize = StylizeBatch(model, styles, suffix=".png", device="cpu", **controls)
    batch = {
        "bytes": [pictures[0].read_bytes(), None],
        "path": ["elsewhere/one.png", str(pictures[1])],
        "painting": np.array(["night", "wave"]),
        "number": [7, 8],
    }
    rows = stylize(batch)
    assert list(rows["name"]) == ["one_night.png", "1_wave.png"] and rows["number"] == [7, 8]
    assert list(rows["error"]) == ["", ""] and "bytes" not in rows
    assert all(seconds > 0 for seconds in rows["seconds"])
    assert np.array_equal(pixels(rows["result"][0]), expected(pictures[0], pictures[3], **controls))
    assert np.array_equal(pixels(rows["result"][1]), expected(pictures[1], pictures[2], **controls))


def test_row_that_fails_does_not_stop_the_others(model: Path, pictures: list[Path]) -> None:
    stylize = StylizeBatch(model, {"wave": pictures[2]}, suffix=".png", device="cpu")
    rows = stylize(
        {
            "path": ["missing.png", str(pictures[0]), str(pictures[0]), str(pictures[0])],
            "painting": ["wave", "storm", "wave", "wave"],
            "error": ["", "", "it could not be read", ""],
        }
    )
    assert list(rows["error"]) == [
        "content: no such file: 'missing.png'",
        "painting must be one of wave, got 'storm'",
        "it could not be read",
        "",
    ]
    assert list(rows["result"][:3]) == [b"", b"", b""]
    assert np.array_equal(pixels(rows["result"][3]), expected(pictures[0], pictures[2]))


def test_pickle_holds_no_network(model: Path, pictures: list[Path]) -> None:
    stylize = StylizeBatch(model, {"wave": str(pictures[2])}, suffix=".png", device="cpu")
    before = stylize({"path": [str(pictures[0])]})
    data = pickle.dumps(stylize)
    assert len(data) < 2000
    after = pickle.loads(data)({"path": [str(pictures[0])]})
    assert list(before["result"]) == list(after["result"])


def test_datasets_map_makes_the_same_pictures(model: Path, pictures: list[Path]) -> None:
    datasets = pytest.importorskip("datasets")
    style = StyleKernelPipeline.from_pretrained(model).encode_style(pictures[2])
    stylize = StylizeBatch(model, {"wave": style}, suffix=".png", device="cpu")
    paths = [str(path) for path in pictures[:2]]
    rows = datasets.Dataset.from_dict({"path": [*paths, "missing.png"]})
    mapped = rows.map(stylize, batched=True, batch_size=2)
    assert mapped["error"][:] == ["", "", "content: no such file: 'missing.png'"]
    for photo, data in zip(pictures[:2], mapped["result"], strict=False):
        assert np.array_equal(pixels(data), expected(photo, pictures[2]))


@pytest.mark.parametrize(
    ("styles", "options", "error", "message"),
    [
        ({}, {}, ValueError, "styles must hold at least one painting, got none"),
        (["a.png"], {}, TypeError, "styles must be paintings by name, got list"),
        ({"a": "a.png"}, {"suffix": ".txt"}, ValueError, "suffix must end in the suffix of an"),
    ],
)
def test_arguments_are_checked_before_work_starts(
    styles: Any, options: dict[str, str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        StylizeBatch(None, styles, **options)
