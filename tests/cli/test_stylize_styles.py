"""`stylekernel stylize` with files of styles, in this process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from stylekernel_hf import StyleKernelPipeline, StyleLibrary
from stylekernel_hf.cli.app import app
from stylekernel_hf.cli.sheet import CELL, name_card
from stylekernel_hf.images.contact_sheet import GAP
from stylekernel_hf.images.loading import load_image
from tests.tiny import save_picture, tiny_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("styles")
    photo, *paintings = (save_picture(folder / f"{i}.png", (72, 64), seed=i) for i in range(4))
    pipe = StyleKernelPipeline(tiny_model())
    pipe.model.save_pretrained(folder / "model")
    one, other, third = map(pipe.encode_style, paintings)
    one.save(folder / "single.safetensors")
    StyleLibrary({"wave": other, "night": third}).save(folder / "both.safetensors")
    photo.rename(folder / "photo.png")
    return folder


def stylize(folder: Path, style: str, output: Path, *words: object) -> str:
    command = ["stylize", folder / "photo.png", folder / style, "-o", output]
    command += ["--model", folder / "model", "--device", "cpu", *words]
    result = CliRunner().invoke(app, [str(word) for word in command], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def pixels(path: Path) -> np.ndarray:
    return np.asarray(load_image(path))


def test_style_in_a_file_serves_as_its_painting(folder: Path, tmp_path: Path) -> None:
    output = stylize(folder, "single.safetensors", tmp_path / "encoded.png")
    assert output == f"wrote {tmp_path / 'encoded.png'}\n"
    stylize(folder, "1.png", tmp_path / "painting.png")
    assert np.array_equal(pixels(tmp_path / "encoded.png"), pixels(tmp_path / "painting.png"))


def test_every_style_of_a_file_makes_a_picture(folder: Path, tmp_path: Path) -> None:
    assert "wrote 2 pictures" in stylize(folder, "both.safetensors", tmp_path / "out")
    for name, painting in (("wave", "2.png"), ("night", "3.png")):
        stylize(folder, painting, tmp_path / painting)
        made = tmp_path / "out" / f"photo_{name}.png"
        assert np.array_equal(pixels(made), pixels(tmp_path / painting))


def test_sheet_shows_encoded_styles_by_name(folder: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    words = ["--style", folder / "1.png", "--style", folder / "single.safetensors"]
    stylize(folder, "both.safetensors", tmp_path / "out", "--sheet", sheet, *words)
    drawn, step = pixels(sheet), CELL + GAP
    assert drawn.shape == (2 * step + GAP, 5 * step + GAP, 3)
    headers = [drawn[GAP : GAP + CELL, GAP + i * step :][:, :CELL] for i in range(1, 5)]
    for index, name in ((0, "wave"), (1, "night"), (3, "single")):
        assert np.array_equal(headers[index], np.asarray(name_card(name, CELL)))
    assert headers[2].std(axis=(0, 1)).min() > 20, "the painting itself"


def test_long_names_stay_on_their_card() -> None:
    for name in ("The Great Wave off Kanagawa, a woodblock print", "x" * 40):
        card = np.asarray(name_card(name, 200))
        inked = np.argwhere((card < 200).all(axis=2))
        assert len(inked) > 300
        assert inked.min() >= 8 and inked.max() < 192
