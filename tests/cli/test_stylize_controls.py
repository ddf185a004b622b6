"""The controls of `stylekernel stylize` do what those of the pipeline do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from stylekernel_hf import StyleKernelPipeline, load_image
from stylekernel_hf.cli.app import app
from tests.tiny import save_picture, vivid_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("controls")
    for seed, name in enumerate(("photo", "one", "two")):
        save_picture(folder / f"{name}.png", (96, 64), seed)
    Image.linear_gradient("L").save(folder / "map.png")
    vivid_model().save_pretrained(folder / "model")
    return folder


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("--strength 0.4", {"strength": 0.4}),
        ("--strength-map map.png", {"strength": Path("map.png")}),
        ("--mask map.png", {"masks": [Path("map.png")]}),
        ("--style two.png --mask map.png --mask map.png", {"masks": [Path("map.png")] * 2}),
        ("--style two.png --style-weight 3 --style-weight 1", {"style_weights": [3, 1]}),
        ("--color luminance", {"color": "luminance"}),
        ("--color statistics", {"color": "statistics"}),
        ("--color transfer", {"color": "transfer"}),
        ("--style-size 80", {"style_size": 80}),
        ("--style-size 0", {"style_size": None}),
    ],
)
def test_control_in_the_shell_equals_the_one_in_python(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: str, options: dict[str, Any]
) -> None:
    monkeypatch.chdir(folder)
    command = ["stylize", "photo.png", "one.png", "-o", "out.png", "--overwrite"]
    command += ["--model", "model", "--device", "cpu", *words.split()]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.output == "wrote out.png\n"
    pipe = StyleKernelPipeline(vivid_model())
    styles = ["one.png", "two.png"] if "two.png" in words else ["one.png"]
    expected = np.asarray(pipe("photo.png", styles, **options).images[0]).astype(int)
    plain = np.asarray(pipe("photo.png", "one.png").images[0])
    assert np.array_equal(np.asarray(load_image("out.png")), expected)
    assert np.abs(expected - plain).mean() > 0.5


@pytest.mark.parametrize(
    "words",
    [
        "--smoothing 0",
        "--start 1",
        "--end 2",
        "--max-side 64",
        "--fps 10",
        "--codec vp9",
        "--quality 50",
    ],
)
def test_option_of_videos_is_refused_for_photos(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.chdir(folder)
    command = ["stylize", "photo.png", "one.png", "-o", "video_option.png", *words.split()]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 2
    message = f"{words.split()[0]} is for videos, and no content is one"
    assert message in " ".join(result.output.replace("│", " ").split())
    assert not (folder / "video_option.png").exists()
