"""What the README says can be done is done here, in its own words."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stylekernel_hf.image_io import load_image

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = ROOT / "demo" / "examples"


def test_first_command_makes_the_picture(tmp_path: Path) -> None:
    command = re.search(r"pip install -e \. && stylekernel (stylize .*)", README)
    assert command is not None
    words = shlex.split(command[1])
    inputs = [str(ROOT / word) if word.startswith("demo/") else word for word in words]
    program = [sys.executable, "-c", "from stylekernel_hf.cli import main; main()"]
    subprocess.run([*program, *inputs], cwd=tmp_path, check=True, timeout=240)
    assert load_image(tmp_path / "out.png").size == load_image(inputs[1]).size


def test_python_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("photo.jpg", "one.jpg", "two.jpg"):
        shutil.copy(EXAMPLES / "photos" / "coffee.jpg", name)
    shutil.copy(EXAMPLES / "styles" / "mosaic.jpg", "painting.jpg")
    namespace: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        exec(compile(block, "README.md", "exec"), namespace)
    assert Path("repainted.png").exists()
    assert len(namespace["images"]) == 2  # type: ignore[arg-type]


def test_pictures_and_files_that_are_named_exist() -> None:
    names = re.findall(r"demo/examples/[\w/]+\.(?:jpg|png|md)", README)
    assert names
    assert [name for name in names if not (ROOT / name).exists()] == []
