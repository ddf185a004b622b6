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
IMAGE = {"image_io", "image_folder", "image_processor"}

# What each part of the package may import of the others directly; what those may import, it may
# import too.
DIRECT: dict[str, set[str]] = {
    "jpeg_header": set(),
    "tiff_directories": set(),
    "read_errors": set(),
    "tiff_checks": {"jpeg_header", "read_errors", "tiff_directories"},
    "image_normalization": {"read_errors", "tiff_directories"},
    "image_source": set(),
    "image_decoding": {"image_normalization", "image_source", "tiff_checks"},
    "image_folder": set(),
    "unseen_colors": set(),
    "whole_file": set(),
    "given_values": set(),
    "safetensors_file": set(),
    "image_formats": set(),
    "metadata": {"image_normalization"},
    "image_writing": {"image_formats", "output_paths", "metadata", "whole_file", "given_values"},
    "image_io": {"image_decoding", "image_writing", "given_values"},
    "reflection": set(),
    "image_processor": {"image_decoding", "reflection", "unseen_colors"},
    "stored_png": set(),
    "vips_library": set(),
    "strip_writing": {
        "stored_png",
        "vips_library",
        "image_formats",
        "output_paths",
        "metadata",
        "whole_file",
    },
    "strip_files": {*IMAGE, "strip_writing"},
    "forked_processes": set(),
    "repository": {"whole_file", "forked_processes", "given_values", "safetensors_file"},
    "first_line": set(),
    "fused": {"first_line"},
    "model": {"repository", "fused"},
    "hub": {"repository", "model"},
    "recorded_network": {"model"},
    "compilation": {"model", "recorded_network"},
    "freed_memory": set(),
    "native_dtypes": set(),
    "metrics": {*IMAGE, "safetensors_file"},
    "tiling": {*IMAGE, "reflection", "model", "freed_memory"},
    "color": IMAGE,
    "regions": IMAGE,
    "style_mixing": {"model", "regions"},
    "call_checks": {"given_values"},
    "style_input": {*IMAGE, "model"},
    "explanation_pictures": set(),
    "explanation": {*IMAGE, "model", "explanation_pictures", "tiling"},
    "pretrained_pipeline": {"model", "repository"},
    "progress_bars": set(),
    "processors": set(),
    "pipeline_style_kernel": {
        *IMAGE,
        "metadata",
        "pretrained_pipeline",
        "progress_bars",
        "processors",
        "style_input",
        "explanation",
        "hub",
        "compilation",
        "freed_memory",
        "tiling",
        "color",
        "style_mixing",
        "call_checks",
    },
    "tasks": {"pipeline_style_kernel", "native_dtypes"},
    "training": {*IMAGE, "model", "hub", "metrics", "compilation", "native_dtypes"},
    "video": {"pipeline_style_kernel"},
    "style_sources": {"pipeline_style_kernel"},
    "file_painting": {"pipeline_style_kernel", "strip_files"},
    "output_names": {"style_sources"},
    "output_paths": set(),
    "bulk": {"first_line", "output_names", "output_paths", "image_formats", "file_painting"},
    "export": {"pipeline_style_kernel"},
    "diffusers_pipeline": {"pipeline_style_kernel"},
    "transformers_pipeline": {"pipeline_style_kernel"},
    "benchmark": {"tasks", "training"},
}
EVERYTHING = {*DIRECT, "cli"}


def allowed(part: str) -> set[str]:
    if part == "cli":
        return EVERYTHING
    direct = DIRECT[part]
    return {part, *direct}.union(*(allowed(other) for other in direct))


def imported_modules(source: str, module: str) -> Iterator[str]:
    """Full names of what a module imports, anywhere in it, a name from a module included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def parts_imported(source: str, module: str) -> set[str]:
    """Parts of our package; a public name of the package itself counts as the part it is of."""
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


def part_of(module: str) -> str:
    return module.split(".")[1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("import torch", set()),
        ("import stylekernel_hf.cli", {"cli"}),
        ("def f():\n    from stylekernel_hf.training.losses import color_loss", {"training"}),
        ("from stylekernel_hf import image_io, hub", {"image_io", "hub"}),
        ("from stylekernel_hf import pipeline", {"tasks"}),
        ("from stylekernel_hf import __version__", set()),
        ("from ..metrics import distances", {"metrics"}),
        ("from .. import cli", {"cli"}),
        ("from .encoder import Encoder", {"model"}),
    ],
)
def test_imports_of_every_form_are_seen(line: str, expected: set[str]):
    assert parts_imported(line, "stylekernel_hf.model.example") == expected


def test_every_module_has_its_place():
    assert {part_of(module) for module in modules()} <= EVERYTHING


@pytest.mark.parametrize("module", sorted(modules()))
def test_imports_go_one_way(module: str):
    imported = parts_imported(modules()[module].read_text(encoding="utf-8"), module)
    assert imported <= allowed(part_of(module))


def test_nothing_imports_the_command_line():
    for module, path in modules().items():
        if part_of(module) != "cli":
            source = path.read_text(encoding="utf-8")
            assert "cli" not in parts_imported(source, module), module


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


def test_import_of_the_package_loads_no_backend():
    code = "import sys, stylekernel_hf; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = {*in_a_fresh_python(code).split()}
    assert "stylekernel_hf" in loaded
    assert not loaded & {"torch", "PIL", "diffusers", "numpy", "huggingface_hub"}


def test_import_of_the_package_takes_less_than_a_tenth_of_a_second():
    code = (
        "from time import process_time; start = process_time(); import stylekernel_hf; "
        "print(process_time() - start)"
    )
    # Of the processor's time, which other programs do not lengthen.
    assert min(float(in_a_fresh_python(code)) for _ in range(3)) < 0.1
