"""`stylekernel stylize --runtime`: the same pictures, and torch is left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from stylekernel_hf import StyleEmbedding, StyleLibrary, pipeline
from stylekernel_hf.images.loading import load_image
from tests.cli.shell import Shell
from tests.tiny import save_picture

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture
def inputs(tmp_path: Path) -> list[Path]:
    return [
        save_picture(tmp_path / "photo.png", (80, 64)),
        save_picture(tmp_path / "painting.png", (64, 72), seed=1),
    ]


def check_as_torch(shell: Shell, words: list[Any], folder: Path) -> None:
    results: list[np.ndarray] = []
    for runtime in ("onnx", "torch"):
        output = folder / f"{runtime}.png"
        ended = shell("stylize", *words, "-o", output, "--runtime", runtime)
        assert ended.status == 0, ended.err
        results.append(np.asarray(load_image(output), float))
    assert np.abs(results[0] - results[1]).max() <= 1


def test_pictures_are_those_of_torch(shell: Shell, inputs: list[Path], tmp_path: Path):
    options = ["--style-size", 96, "--strength", 0.7, "--color", "luminance"]
    check_as_torch(shell, [*inputs, *options], tmp_path)


def test_folders_and_mixtures_are_stylized(shell: Shell, inputs: list[Path], tmp_path: Path):
    styles = ["--style", inputs[0], "--style-weight", 1, "--style-weight", 2]
    options = ["--style-size", 96, "--runtime", "onnx"]
    ended = shell("stylize", *inputs, *styles, "-o", tmp_path / "out/", *options)
    assert ended.status == 0, ended.err
    assert len([*(tmp_path / "out").iterdir()]) == 1


def test_maps_and_tiles_are_those_of_torch(shell: Shell, inputs: list[Path], tmp_path: Path):
    Image.linear_gradient("L").save(tmp_path / "map.png")
    maps = ["--strength-map", tmp_path / "map.png", "--mask", tmp_path / "map.png"]
    options = ["--style-size", 96, "--tile-size", 64, *maps]
    check_as_torch(shell, [*inputs, *options], tmp_path)
    ended = shell(
        "stylize",
        *inputs,
        "-o",
        tmp_path / "x.png",
        "--runtime",
        "onnx",
        *options[:2],
        "--tile-size",
        65,
    )
    assert ended.status == 1
    assert "tile_size must be a multiple of 8 px" in ended.err


def test_styles_of_a_library_are_taken(shell: Shell, inputs: list[Path], tmp_path: Path):
    pipe = pipeline("style-kernel", runtime="onnx")
    style = pipe.encode_style(inputs[1], style_size=64)
    parts = [torch.from_numpy(getattr(style, part)) for part in ("key", "value", "code")]
    embedding = StyleEmbedding(*parts, checkpoint=style.checkpoint)
    StyleLibrary({"a": embedding, "b": embedding}).save(tmp_path / "two.safetensors")
    words = [inputs[0], tmp_path / "two.safetensors", "-o", tmp_path / "out/"]
    ended = shell("stylize", *words, "--runtime", "onnx")
    assert ended.status == 0, ended.err
    pictures = [np.asarray(load_image(path)) for path in (tmp_path / "out").iterdir()]
    assert len(pictures) == 2
    for actual in pictures:
        np.testing.assert_array_equal(actual, np.asarray(pipe(inputs[0], style).images[0]))


def test_torch_is_not_imported(inputs: list[Path], tmp_path: Path):
    words = ["stylize", *inputs, "-o", tmp_path / "out.png", "--runtime", "onnx"]
    program = f"""
import sys
from stylekernel_hf.cli import main
sys.argv = {["stylekernel", *map(str, words)]!r}
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print([x for x in ("torch", "huggingface_hub", "diffusers", "rich.progress") if x in sys.modules])
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines()[-1] == "[]"
    assert load_image(tmp_path / "out.png").size == (80, 64)


def test_what_a_runtime_lacks_is_refused(shell: Shell, inputs: list[Path], tmp_path: Path):
    words = ["stylize", *inputs, "-o", tmp_path / "out.png", "--runtime", "onnx"]
    ended = shell(*words, "--device", "cuda")
    assert ended.status == 2
    assert "--runtime onnx excludes --device" in " ".join(ended.err.replace("│", " ").split())
    ended = shell(*words, "--dtype", "bfloat16")
    assert ended.status == 1
    assert "dtype must be float32 with runtime='onnx', got bfloat16" in ended.err
    assert not (tmp_path / "out.png").exists()


def test_videos_are_refused(shell: Shell, inputs: list[Path], tmp_path: Path):
    (tmp_path / "clip.mp4").write_bytes(b"")
    words = [tmp_path / "clip.mp4", inputs[1], "-o", tmp_path / "out.mp4", "--runtime", "onnx"]
    ended = shell("stylize", *words)
    assert ended.status == 2
    assert "stylizes pictures" in " ".join(ended.err.replace("│", " ").split())
