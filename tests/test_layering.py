"""Imports go one way, and the package's own import costs nothing."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import stylekernel_hf

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "stylekernel_hf"
# What each room of the package imports of the others: exactly these edges exist.
EDGES: dict[str, set[str]] = {
    "errors": set(),
    "files": set(),
    "devices": {"errors"},
    "ops": {"errors"},
    "images": {"errors", "files"},
    "model": {"errors", "ops"},
    "tiling": {"devices", "errors", "images", "model"},
    "hub": {"devices", "errors", "files", "metrics", "model"},
    "styles": {"errors", "files", "hub", "images", "model"},
    "pretrained": {"devices", "files", "hub", "model", "styles"},
    "pipelines": {
        "devices",
        "errors",
        "export",
        "hub",
        "images",
        "model",
        "pretrained",
        "runtime",
        "styles",
        "tiling",
    },
    "export": {"errors", "files", "hub", "model", "pretrained"},
    "runtime": {
        "devices",
        "errors",
        "export",
        "files",
        "hub",
        "images",
        "model",
        "styles",
        "tiling",
    },
    "integrations": {"errors", "images", "pipelines", "pretrained", "styles"},
    "bulk": {"errors", "images", "pipelines", "styles"},
    "large": {"devices", "errors", "files", "images", "model", "pipelines", "styles", "tiling"},
    "video": {"devices", "errors", "files", "images", "model", "pipelines", "styles", "tiling"},
    "metrics": {"errors", "files", "images"},
    "training": {
        "devices",
        "errors",
        "files",
        "hub",
        "images",
        "metrics",
        "model",
        "ops",
        "pretrained",
    },
    "evaluation": {"errors", "files", "hub", "images", "metrics", "pretrained", "training"},
    "benchmark": {
        "devices",
        "errors",
        "files",
        "images",
        "pipelines",
        "pretrained",
        "styles",
        "tiling",
        "training",
        "video",
    },
    "cli": {
        "benchmark",
        "bulk",
        "devices",
        "errors",
        "evaluation",
        "export",
        "files",
        "hub",
        "images",
        "large",
        "metrics",
        "pipelines",
        "pretrained",
        "runtime",
        "styles",
        "tiling",
        "training",
        "video",
    },
}


def imported_modules(source: str, module: str) -> Iterator[str]:
    """Full names of what a module imports, anywhere in it, a name from a module included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def rooms_imported(source: str, module: str) -> set[str]:
    """Rooms of our package; a public name of the package itself counts as the room it is of."""
    parts: set[str] = set()
    for name in imported_modules(source, module):
        root, _, rest = name.partition(".")
        first = rest.partition(".")[0]
        if root != "stylekernel_hf" or first == "__version__":
            continue
        home = stylekernel_hf._HOMES.get(first, name)  # "pipeline" is no module but a function.
        parts.add((home.split(".") + [""])[1])
    return parts


def modules() -> dict[str, Path]:
    """Paths of the package's modules by name, the package itself apart, which imports lazily."""
    found: dict[str, Path] = {}
    for path in PACKAGE.rglob("*.py"):
        relative = path.relative_to(ROOT).with_suffix("")
        found[".".join(relative.parts)] = path
    del found["stylekernel_hf.__init__"]
    return found


def edges() -> dict[str, set[str]]:
    """Rooms with the other rooms that their modules import."""
    found: dict[str, set[str]] = {}
    for module, path in modules().items():
        room = module.split(".")[1]
        imported = rooms_imported(path.read_text(encoding="utf-8"), module)
        found.setdefault(room, set()).update(imported - {room})
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("import torch", set()),
        ("import stylekernel_hf.cli", {"cli"}),
        ("def f():\n    from stylekernel_hf.training.losses import color_loss", {"training"}),
        ("from stylekernel_hf import images, hub", {"images", "hub"}),
        ("from stylekernel_hf import pipeline", {"pipelines"}),
        ("from stylekernel_hf import __version__", set()),
        ("from ..metrics import distances", {"metrics"}),
        ("from .. import cli", {"cli"}),
        ("from .encoder import Encoder", {"model"}),
    ],
)
def test_imports_of_every_form_are_seen(line: str, expected: set[str]):
    assert rooms_imported(line, "stylekernel_hf.model.example") == expected


def test_root_holds_the_rooms_only():
    files = {path.name for path in PACKAGE.iterdir() if path.is_file()}
    assert files == {"__init__.py", "py.typed"}


def test_rooms_import_exactly_what_is_listed():
    assert edges() == EDGES


def test_imports_go_one_way():
    placed: list[str] = []
    while rest := [room for room in EDGES if room not in placed]:
        free = [room for room in rest if EDGES[room] <= {*placed}]
        assert free, f"these rooms import each other: {rest}"
        placed += free


def test_demo_uses_public_names_only():
    for path in (ROOT / "app.py", *(ROOT / "demo").rglob("*.py")):
        source = path.read_text(encoding="utf-8") if path.exists() else ""
        ours = [x for x in imported_modules(source, path.stem) if x.startswith("stylekernel_hf")]
        public = {f"stylekernel_hf.{name}" for name in stylekernel_hf.__all__}
        assert {*ours} <= {*public, "stylekernel_hf", "stylekernel_hf.__version__"}, path


def in_a_fresh_python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def test_import_of_the_package_loads_itself_and_the_standard_library_only():
    before = {*in_a_fresh_python("import sys; print(*sys.modules)").split()}
    after = {*in_a_fresh_python("import sys, stylekernel_hf; print(*sys.modules)").split()}
    loaded = after - before
    others = {name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names}
    assert others == {"stylekernel_hf"}
    assert len(loaded) < 100
