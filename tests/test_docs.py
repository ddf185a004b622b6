"""What README and the documentation say can be done is done here, in their own words."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import typer
import typer.core
import typer.main
from nbclient import NotebookClient

import stylekernel_hf
from stylekernel_hf.cli.app import app
from stylekernel_hf.images.loading import load_image
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint
from tests.tiny import save_tiny_vgg

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "pages").glob("*.md"))]
EXAMPLES = ROOT / "demo" / "examples"
NOTEBOOK = ROOT / "docs" / "notebooks" / "stylize_and_finetune.ipynb"


def python_blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def test_first_command_makes_the_picture(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    command = re.search(r"pip install -e \. && stylekernel (stylize .*)", readme)
    assert command is not None
    words = shlex.split(command[1])
    inputs = [str(ROOT / word) if word.startswith("demo/") else word for word in words]
    program = [sys.executable, "-c", "from stylekernel_hf.cli import main; main()"]
    subprocess.run([*program, *inputs], cwd=tmp_path, check=True, timeout=240)
    assert load_image(tmp_path / "out.png").size == load_image(inputs[1]).size


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for name in ("photo.jpg", "one.jpg", "two.jpg"):
        shutil.copy(EXAMPLES / "photos" / "coffee.jpg", folder / name)
    shutil.copy(EXAMPLES / "styles" / "mosaic.jpg", folder / "painting.jpg")
    return folder


def test_pages_have_examples() -> None:
    with_examples = {page.stem for page in PAGES if python_blocks(page)}
    assert with_examples >= {"README", "index", "guide", "controls", "hub", "large-pictures"}


@pytest.mark.parametrize("page", [p for p in PAGES if python_blocks(p)], ids=lambda page: page.stem)
def test_python_examples_run(
    page: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if page.stem == "large-pictures":
        pytest.importorskip("pyvips")
    if page.stem == "video":
        pytest.importorskip("av")
        from tests.video.clips import save_clip

        save_clip(tmp_path / "clip.mp4")
    shutil.copytree(pictures, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    before = set(Path().iterdir())
    namespace: dict[str, object] = {}
    for block in python_blocks(page):
        exec(compile(block, page.name, "exec"), namespace)
    if "share_processors()" in "".join(python_blocks(page)):
        namespace["share_processors"](False)  # type: ignore[operator]
    for path in set(Path().iterdir()) - before:
        assert path.stat().st_size > 0


@pytest.mark.parametrize("name", stylekernel_hf.__all__)
def test_docstring_examples_run(
    name: str, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Examples import from stylekernel_hf, and may read photo.jpg and painting.jpg."""
    shutil.copytree(pictures, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    examples = doctest.DocTestFinder().find(getattr(stylekernel_hf, name), name, module=False)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for example in examples:
        if "stylekernel_hf" in example.docstring:  # Not that of a method of torch.
            runner.run(example)
    assert runner.failures == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    names = re.findall(r"(?:demo|docs|tests|stylekernel_hf|hub_card)/[\w./-]+\.\w+", text)
    assert [name for name in names if not (ROOT / name.rstrip(".")).exists()] == []


def test_readme_is_short() -> None:
    assert (ROOT / "README.md").stat().st_size < 7000


def test_api_page_lists_every_public_name() -> None:
    text = (ROOT / "docs" / "pages" / "api.md").read_text(encoding="utf-8")
    listed = re.findall(r"^::: stylekernel_hf\.(\w+)$", text, re.MULTILINE)
    assert sorted(listed) == sorted(stylekernel_hf.__all__)


def test_modules_and_folders_that_contributing_names_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    names = re.findall(r"`([\w/]+\.py)`", text)
    names += re.findall(r"`(\w+)`", "".join(re.findall(r"^\|[^|]*\|", text, re.MULTILINE)))
    package = ROOT / "stylekernel_hf"
    assert len(names) > 20
    assert [x for x in names if not (ROOT / x).exists() and not (package / x).exists()] == []


def documented_commands() -> list[str]:
    """Commands of the shell on all pages, in blocks, behind uvx and hf jobs, between backticks."""
    lines: set[str] = set()
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        before = r"(?:hf jobs uv run .* |uvx .* )?"
        lines.update(
            re.findall(rf"^ {{4}}{before}stylekernel (.+?)(?: +#.*)?$", text, re.MULTILINE)
        )
        lines.update(" ".join(x.split()) for x in re.findall(r"`stylekernel ([^`]+)`", text))
    return sorted(lines)


@pytest.mark.parametrize("line", documented_commands())
def test_options_of_documented_commands_exist(line: str) -> None:
    words = shlex.split(line)
    command = typer.main.get_command(app)
    while isinstance(command, typer.core.TyperGroup) and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    known = {"-h", "--help"} | {option for each in command.params for option in each.opts}
    given = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert given <= known


def test_notebook_stylizes_and_fine_tunes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first cell to the last, on the CPU."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert [cell for cell in notebook.cells if cell.get("outputs")] == []
    vgg = save_tiny_vgg(tmp_path / "vgg.safetensors")
    tiny = (
        f"--steps 2 --perceptual {vgg} --size 64 --style-size 64 --batch-size 1 --distinct-crops 4"
    )
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "install" in tags:
            cell.source = ""  # The package is installed, or the tests run in its sources.
        if "parameters" in tags:
            cell.source = f"OPTIONS = {tiny!r}"
    program = tmp_path / "bin" / "stylekernel"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m stylekernel_hf.cli "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    work = tmp_path / "work"
    work.mkdir()
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(work)}})
    client.execute()
    sheet = np.asarray(load_image(work / "before_and_after.png"))
    before, after = np.split(sheet, 2, axis=1)
    assert (before != after).any()
    tuned, start = (load_checkpoint(x) for x in (work / "tuned" / "model", EMBEDDED_CHECKPOINT))
    assert tuned.checkpoint_id != start.checkpoint_id
