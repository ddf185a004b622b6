"""The folder of the Space."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import metadata_load
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from typer.testing import CliRunner

from stylekernel_hf.cli.app import app

ROOT = Path(__file__).parents[2]
tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
SPACE = ROOT / "hub_card" / "space"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("space") / "built"
    words = ["hub", "build", str(SPACE), "-o", str(folder)]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    files = sum(path.is_file() for path in folder.rglob("*"))
    assert result.output == f"built {folder}: {files} files\n"
    return folder


def test_space_starts_from_its_folder_alone(built: Path, tmp_path: Path) -> None:
    """The page is built with the embedded weights, and nothing of this checkout."""
    space = shutil.copytree(built, tmp_path / "space")
    code = (
        "import app, demo, stylekernel_hf; print(demo.__file__, stylekernel_hf.__file__, "
        "sorted(f.api_name for f in app.demo.fns.values() if f.api_visibility == 'public'))"
    )
    environment = {**os.environ, "PYTHONPATH": str(space), "GRADIO_TEMP_DIR": str(space / "tmp")}
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=space,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert said.returncode == 0, said.stderr
    home, package, endpoints = said.stdout.split(" ", 2)
    assert Path(home).is_relative_to(space) and Path(package).is_relative_to(space)
    assert "'stylize'" in endpoints and "'explain'" in endpoints


def test_card_names_versions_that_the_project_allows(built: Path) -> None:
    card = metadata_load(built / "README.md")
    assert (built / card["app_file"]).is_file() and len(card["short_description"]) <= 60
    named = map(Requirement, PROJECT["optional-dependencies"]["demo"])
    wanted = next(each for each in named if each.name == card["sdk"])
    assert Version(card["sdk_version"]) in wanted.specifier
    assert card["python_version"] in SpecifierSet(PROJECT["requires-python"])


def test_requirements_pin_every_dependency(built: Path) -> None:
    lines = (built / "requirements.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    versions = {pin.name: next(iter(pin.specifier)) for pin in pins}
    assert {pin.operator for pin in versions.values()} == {"=="}
    (pyav,) = (each for each in PROJECT["optional-dependencies"]["video"] if each.startswith("av"))
    for wanted in map(Requirement, [*PROJECT["dependencies"], pyav]):
        assert versions[wanted.name].version in wanted.specifier


def test_nothing_but_sources_and_examples_is_in_it(built: Path) -> None:
    suffixes = {path.suffix for path in built.rglob("*") if path.is_file()}
    assert suffixes <= {
        ".py",
        ".jinja",
        ".md",
        ".txt",
        ".css",
        ".html",
        ".js",
        ".jpg",
        ".webp",
        ".json",
        ".safetensors",
        ".typed",
        "",
    }
    assert sum(path.stat().st_size for path in built.rglob("*") if path.is_file()) < 20 * 2**20


def test_full_folder_and_push_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(FileExistsError, match="output must be a new or empty folder"):
        CliRunner().invoke(
            app, ["hub", "build", str(SPACE), "-o", str(tmp_path)], catch_exceptions=False
        )
    result = CliRunner().invoke(app, ["hub", "push", str(SPACE), "painter/space"])
    assert result.exit_code == 2 and "--repo-type space" in result.output
