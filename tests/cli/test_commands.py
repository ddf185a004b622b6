"""The command line as a shell sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from accelerate.state import AcceleratorState

from stylekernel_hf.cli.commands import build_app
from stylekernel_hf.images.loading import load_image
from tests.cli.shell import Ended, Shell
from tests.tiny import save_picture, save_tiny_vgg, tiny_model


def stylekernel(*words: object) -> Ended:
    """Run the command in a process of its own."""
    command = [sys.executable, "-c", "from stylekernel_hf.cli import main; main()"]
    process = subprocess.run(
        [*command, *map(str, words)], capture_output=True, text=True, timeout=240, check=False
    )
    return Ended(process.returncode, process.stdout, process.stderr)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    for kind, count in (("photos", 6), ("paintings", 6)):
        (folder / kind).mkdir()
        for index in range(count):
            save_picture(folder / kind / f"{kind[:2]}{index}.png", (72, 64), seed=index)
    tiny_model().save_pretrained(folder / "model")
    save_tiny_vgg(folder / "vgg.safetensors")
    return folder


def test_help_names_the_commands() -> None:
    result = stylekernel("--help")
    assert result.status == 0
    for command in ("stylize", "evaluate", "benchmark", "pretrain", "train"):
        assert command in result.out


def test_version_is_the_packages() -> None:
    from stylekernel_hf import __version__

    assert stylekernel("--version").out.strip() == f"stylekernel {__version__}"


def test_stylize_with_the_embedded_weights_writes_the_picture(folder: Path) -> None:
    out = folder / "single.png"
    result = stylekernel(
        "stylize", folder / "photos/ph0.png", folder / "paintings/pa1.png", "-o", out
    )
    assert (result.status, result.out) == (0, f"wrote {out}\n"), result.err
    photo, picture = (np.asarray(load_image(p)) for p in (folder / "photos/ph0.png", out))
    assert picture.shape == photo.shape
    assert np.abs(picture.astype(int) - photo).mean() > 5


def test_stylize_does_the_others_and_lists_the_failed(folder: Path, shell: Shell) -> None:
    bad = folder / "bad.jpg"
    bad.write_text("not a picture")
    words = [folder / "photos/ph[01].png", folder / "paintings/pa0.png", "-c", bad]
    result = shell("stylize", *words, "-o", folder / "several", "--model", folder / "model")
    assert result.status == 1
    assert "wrote 2 pictures" in result.out
    assert "bad.jpg" in result.err and "Traceback" not in result.err
    names = sorted(path.name for path in (folder / "several").iterdir())
    assert names == ["ph0_pa0.png", "ph1_pa0.png"]


def test_styles_are_mixed_into_one_picture(folder: Path, shell: Shell) -> None:
    words = [folder / "photos/ph0.png", folder / "paintings/pa[01].png"]
    words += ["-o", folder / "mixed", "--model", folder / "model", "--color", "luminance"]
    result = shell("stylize", *words, "--style-weight", 1, "--style-weight", 2)
    assert result.status == 0, result.err
    assert [path.name for path in (folder / "mixed").iterdir()] == ["ph0_pa0_pa1.png"]
    result = shell("stylize", *words, "--style-weight", 1)
    assert result.status == 1
    assert "style_weights must be one number per style, got 1 for 2" in result.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere.jpg", "{painting}"], "content: no such file"),
        (["{photo}", "nowhere.jpg"], "style: no such file"),
        (["{photo}", "{painting}", "--device", "cuda:99"], "device must be a device"),
        (["{photo}", "{painting}", "--model", "nowhere"], "model: no such folder"),
        (["{photo}", "{painting}", "--strength", "2"], "strength must lie in [0, 1], got 2.0"),
        (["{photo}", "{painting}", "--style-size", "7"], "style_size must lie in"),
        (["{photo}", "{painting}", "--tile-size", "70"], "tile_size must be a multiple of 8"),
    ],
)
def test_error_is_one_line_and_leaves_no_file(
    folder: Path, words: list[str], message: str, shell: Shell
) -> None:
    names = {"photo": folder / "photos/ph0.png", "painting": folder / "paintings/pa0.png"}
    out = folder / "never.png"
    result = shell("stylize", *(word.format(**names) for word in words), "-o", out)
    assert result.status == 1
    assert message in result.err
    assert len(result.err.strip().splitlines()) == 1
    assert not out.exists()


def test_train_then_evaluate(folder: Path, shell: Shell) -> None:
    run = folder / "run"
    words = ["--content", folder / "photos", "--style", folder / "paintings", "--output", run]
    words += ["--perceptual", folder / "vgg.safetensors", "--init", folder / "model"]
    words += ["--steps", 2, "--batch-size", 1, "--size", 32, "--style-size", 32]
    trained = shell("train", *words, "--loader-workers", 0)
    AcceleratorState._reset_state(reset_partial_state=True)
    assert trained.status == 0, trained.err
    assert (run / "model" / "config.json").exists()

    words = [folder / "photos", folder / "paintings", "--model", run / "model", "--every", 3]
    words += ["--size", 64, "--perceptual", folder / "vgg.safetensors", "--per-pair"]
    words += ["--json", folder / "scores.json", "--sheet", folder / "sheet.png"]
    scored = shell("evaluate", *words)
    assert scored.status == 0, scored.err
    assert "mean of 12 pairs" in scored.out and "ph0.png in pa3.png" in scored.out
    scores = json.loads((folder / "scores.json").read_text())
    assert f"{scores['mean']['style']:.4f}" in scored.out
    assert load_image(folder / "sheet.png").width > 6 * 256


def test_train_without_pictures_names_the_folder(folder: Path, shell: Shell) -> None:
    (folder / "empty").mkdir(exist_ok=True)
    words = ["--content", folder / "empty", "--style", folder / "paintings"]
    result = shell(
        "train", *words, "--output", folder / "run2", "--perceptual", folder / "vgg.safetensors"
    )
    AcceleratorState._reset_state(reset_partial_state=True)
    assert result.status == 1
    assert "empty" in result.err and "Traceback" not in result.err


def test_help_imports_neither_torch_nor_other_heavy_packages() -> None:
    probe = "import sys, stylekernel_hf.cli.app; print(*sys.modules)"
    command = [sys.executable, "-c", probe]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    modules = {*run.stdout.split()}
    assert not modules & {"torch", "numpy", "PIL", "diffusers", "huggingface_hub"}
    assert len(modules) < 400


def test_benchmark_prints_a_table_and_writes_all_figures(
    folder: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cold starts take seconds, and are measured in a test of their own."""
    steps = {"import torch": 1.5, "import stylekernel_hf": 0.25, "pipeline": 0.5}
    monkeypatch.setattr("stylekernel_hf.benchmark.runner.measure_cold_start", lambda repeats: steps)
    result = shell(
        *("benchmark", "--size", 64, "--dtype", "float32", "--device", "cpu", "--repeats", 1),
        *("--limit-side", 64, "--model", folder / "model", "--json", folder / "figures.json"),
    )
    assert result.status == 0, result.err
    for word in ("file to file", "cpu float32", "images/s", "cold start: 2.25 s", "import torch"):
        assert word in result.out
    figures = json.loads((folder / "figures.json").read_text())
    works = [measurement["work"] for measurement in figures["measurements"]]
    assert works == ["style", "network", "file to file", "network beside a busy process"]
    assert figures["cold_start_seconds"] == steps


def test_benchmark_refuses_a_plot_where_there_is_no_folder(folder: Path, shell: Shell) -> None:
    result = shell("benchmark", "--plot", folder / "nowhere" / "plot.png")
    assert result.status == 1
    assert "no such folder" in result.err


@pytest.mark.parametrize(
    ("words", "commands", "groups"),
    [(["stylize", "photo.jpg"], 1, 0), (["hub", "build"], 0, 1), (["--help"], 10, 1), ([], 10, 1)],
)
def test_command_that_is_called_is_prepared_alone(words: list[str], commands: int, groups: int):
    app = build_app(words)
    assert (len(app.registered_commands), len(app.registered_groups)) == (commands, groups)
