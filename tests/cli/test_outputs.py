"""The files of evaluate, benchmark, training and hub: refused before the work, or written alone."""

from __future__ import annotations

import importlib
import os
import pkgutil
from pathlib import Path

import pytest
import typer

from stylekernel_hf import benchmark, cli, evaluation, training
from tests.cli.shell import Shell
from tests.tiny import save_picture, save_tiny_vgg, tiny_model


@pytest.fixture
def stylekernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell) -> Shell:
    """Run a command in a folder with two of each kind of picture."""
    monkeypatch.chdir(tmp_path)
    for kind in ("photos", "paintings"):
        Path(kind).mkdir()
        for number in range(2):
            save_picture(Path(kind, f"{number}.png"), (72, 64), seed=number)
    save_tiny_vgg(Path("vgg.safetensors"))
    Path("plain").write_text("precious")
    for name in ("old.json", "old.html", "old.svg", "old.png"):
        Path(name).write_text("precious")
    Path("half").mkdir()
    Path("half/model").write_text("precious")
    os.link("photos/0.png", "hard.png")

    return shell


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a network is loaded or speed is measured."""

    def work(*_: object, **__: object) -> None:
        raise AssertionError("this is work")

    # A module that is imported while these are replaced would keep what replaced them.
    for room in (benchmark, cli, evaluation, training):
        for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    for name in (
        "cli.candidates.load_pipelines",
        "benchmark.runner.run_benchmark",
        "cli.training_options.starting_model",
        "cli.pretrain.starting_model",
        "training.trainer.Trainer",
        "pretrained.checkpoint.load_checkpoint",
    ):
        monkeypatch.setattr(f"stylekernel_hf.{name}", work)


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


EVALUATE = "evaluate photos paintings --size 64 --perceptual vgg.safetensors"
FRAMES = "evaluate-frames photos --stylized paintings"
TRAIN = "train --content photos --style paintings --perceptual vgg.safetensors"
FINETUNE = TRAIN.replace("train", "finetune", 1)
ABLATE = TRAIN.replace("train", "ablate", 1)
PRETRAIN = "pretrain --style paintings --perceptual vgg.safetensors"
LONG = "x" * 300


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("command", "words", "message"),
    [
        (EVALUATE, "--json photos", "json must be a file, but 'photos' is a folder"),
        (EVALUATE, "--html nowhere/a.html", "html: no such folder: 'nowhere'"),
        (EVALUATE, "--html plain/a.html", "html: no such folder: 'plain'"),
        (EVALUATE, f"--plot {LONG}.svg", "plot must have names of at most 255 bytes"),
        (EVALUATE, "--json -", "json must be a file, got '-': standard output"),
        (EVALUATE, "--json /dev/null", "json must be a regular file, but '/dev/null' is a"),
        (EVALUATE, "--json a.x --html a.x", "json and html must be two files, got 'a.x' for both"),
        (EVALUATE, "--json a.x --html half/../A.X", "json and html must be two files"),
        (EVALUATE, "--sheet photos/1.png", "sheet must not replace a file that is read"),
        (EVALUATE, "--sheet hard.png", "sheet must not replace a file that is read"),
        (EVALUATE, "--json vgg.safetensors", "json must not replace a file that is"),
        (EVALUATE, "--sheet sheet.xyz", "sheet must end in the suffix of an image format"),
        (EVALUATE, "--sheet sheet", "sheet must end in the suffix of an image format"),
        (EVALUATE, "--sheet a.png --sheet-contents 0", "sheet_contents must be at least 1, got 0"),
        (EVALUATE, "--sheet a.png --sheet-styles -1", "sheet_styles must be at least 1, got -1"),
        (
            EVALUATE,
            "--json old.json",
            "json must be a new file, but 'old.json' exists: use --overw",
        ),
        (EVALUATE, "--html old.html", "html must be a new file, but 'old.html' exists"),
        (EVALUATE, "--plot old.svg", "plot must be a new file, but 'old.svg' exists"),
        (EVALUATE, "--sheet old.png", "sheet must be a new file, but 'old.png' exists"),
        (EVALUATE, "--json photos/0.png --overwrite", "json must not replace a file"),
        (FRAMES, "--json old.json", "json must be a new file, but 'old.json' exists"),
        (FRAMES, "--json paintings", "json must be a file, but 'paintings' is a folder"),
        (FRAMES, "--json photos/0.png", "json must not replace a file that is read"),
        ("benchmark", "--json photos", "json must be a file, but 'photos' is a folder"),
        ("benchmark", "--json old.json", "json must be a new file, but 'old.json' exists"),
        ("benchmark", "--plot old.svg", "plot must be a new file, but 'old.svg' exists"),
        ("benchmark", "--plot a.xyz", "plot must be a .pdf or .png or .svg file, got 'a.xyz'"),
        ("benchmark", "--plot a.png --size 256", "plot needs at least two sizes, got 256"),
        ("benchmark", "--plot a.png --json a.png", "json and plot must be two files"),
        *(
            (command, f"--output {output}", message)
            for command in (TRAIN, FINETUNE, ABLATE, PRETRAIN)
            for output, message in (
                ("plain", "output must be a folder, but 'plain' is a file"),
                ("plain/run", "output must be a folder, but 'plain' is a file"),
                ("half", "output must be a folder, but 'half/model' is a file"),
                ("/dev/null", "output must be a folder, but '/dev/null' is a device or a pipe"),
                (LONG, "output must have names of at most 255 bytes, got 300"),
                ("-", "output must be a folder, got '-': standard output"),
            )
        ),
        ("hub build .", "-o plain", "output must be a folder, but 'plain' is a file"),
        ("hub build .", f"-o new/{LONG}", "output must have names of at most 255 bytes"),
    ],
)
def test_output_that_cannot_be_is_refused_in_one_line(
    stylekernel: Shell, command: str, words: str, message: str
) -> None:
    before = files()
    status, out, err = stylekernel(*command.split(), *words.split())
    assert status == 1 and out == ""
    assert message in err and len(err.strip().splitlines()) == 1
    assert files() == before


@pytest.mark.usefixtures("no_work")
def test_sheet_too_long_for_its_format_is_refused(stylekernel: Shell) -> None:
    for number in range(300):
        os.link("photos/0.png", f"photos/more{number}.png")
    words = [*EVALUATE.split(), "--sheet", "sheet.jpg", "--sheet-contents", 300]
    status, _, err = stylekernel(*words)
    assert status == 1 and "sheet must be at most 65500 px a side for JPEG" in err


def test_table_and_other_files_are_there_whatever_is_wrong_with_one(
    stylekernel: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("stylekernel_hf.evaluation.evaluation_result.write_json", full)
    tiny_model().save_pretrained("model")
    words = [*EVALUATE.split(), "--model", "model", "--device", "cpu"]
    words += ["--json", "a.json", "--html", "a.html", "--sheet", "a.png"]
    status, out, err = stylekernel(*words)
    assert status == 1 and "mean of 4 pairs" in out
    said = "stylekernel: json: 'a.json' was not written: the disk is full"
    assert err.strip().splitlines()[-1] == said
    assert Path("a.html").exists() and Path("a.png").exists() and not Path("a.json").exists()


def test_existing_files_are_replaced_with_overwrite(stylekernel: Shell) -> None:
    tiny_model().save_pretrained("model")
    words = [*EVALUATE.split(), "--model", "model", "--device", "cpu", "--overwrite"]
    status, _, _ = stylekernel(*words, "--json", "old.json", "--sheet", "old.png")
    assert status == 0
    assert b"precious" not in Path("old.json").read_bytes() + Path("old.png").read_bytes()
    assert Path("old.html").read_text() == "precious"


def test_figures_of_a_benchmark_are_printed_before_a_file_fails(
    stylekernel: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Found:
        def write_json(self, _: Path) -> None:
            raise OSError("the disk is full")

    monkeypatch.setattr("stylekernel_hf.benchmark.runner.run_benchmark", lambda *_, **__: Found())
    monkeypatch.setattr("stylekernel_hf.cli.benchmark._print", lambda _: typer.echo("the figures"))
    status, out, err = stylekernel("benchmark", "--device", "cpu", "--json", "a.json")
    assert (status, out) == (1, "the figures\n") and "json: 'a.json' was not written" in err
