"""The folder of the page that runs in the browser: demo/web, models and ONNX Runtime."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from PIL import Image

from stylekernel_hf.export.graph_builder import onnx
from stylekernel_hf.export.graphs import (
    MARGIN,
    measure_model,
    smallest_side,
    style_model,
    transform_model,
)
from stylekernel_hf.export.network_weights import NetworkWeights
from stylekernel_hf.export.shared_weights import share_weights
from stylekernel_hf.hub.model_card import LICENSE_NAME
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.tiling.receptive_field import content_reach, full_reach

ONNXRUNTIME_WEB = "onnxruntime-web"
_VERSION = "1.30.0"
"""The version that the page is tested with."""
_SCRIPTS = (
    "ort.wasm.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort.webgpu.min.mjs",
    "ort-wasm-simd-threaded.asyncify.mjs",
)
_BINARIES = ("ort-wasm-simd-threaded.wasm", "ort-wasm-simd-threaded.asyncify.wasm")
_WEIGHTS = "weights.bin"
_SIDE = 128
"""Side in px of a painting on its tile."""


def build_web(source: Path, output: Path) -> int:
    """Write the files of the page to `output`, and return their number.

    `source` must lie two folders below the project's folder, as hub_card/web does. The page's
    README.md comes from there, all else from demo, the embedded weights and the npm package
    onnxruntime-web: that in node_modules of the project's folder, or else from npm.

    Raises:
        FileExistsError: `output` is not empty.
        FileNotFoundError: A file of the page is missing, or onnxruntime-web and npm are.
        OSError: npm cannot fetch the package.
    """
    root = source.resolve().parents[1]
    examples, page = root / "demo" / "examples", root / "demo" / "web"
    if missing := [str(path) for path in (page, examples) if not path.is_dir()]:
        raise FileNotFoundError(f"source: the page needs {', '.join(missing)}: no such folder")
    if output.exists() and any(output.iterdir()):
        raise FileExistsError(f"output must be a new or empty folder, got '{output}'")
    with _onnxruntime_web(root) as package:
        shutil.copytree(page, output, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
        _copy_onnxruntime(package, output / "ort")
    binary = output / "ort" / f"{_BINARIES[0]}.gz"
    _write_models(load_checkpoint(EMBEDDED_CHECKPOINT), output / "models", binary)
    _write_pictures(examples, output)
    for path, name in (
        (source / "README.md", "README.md"),
        (root / "LICENSE", "LICENSE"),
        (EMBEDDED_CHECKPOINT / LICENSE_NAME, "models/LICENSE.md"),
        (examples / "SOURCES.md", "pictures/SOURCES.md"),
    ):
        shutil.copyfile(path, output / name)
    _write_version(output)
    return sum(path.is_file() for path in output.rglob("*"))


@contextmanager
def _onnxruntime_web(root: Path) -> Generator[Path, None, None]:
    """Give the folder of the npm package, fetched if it is not in node_modules."""
    installed = root / "node_modules" / ONNXRUNTIME_WEB
    if installed.is_dir():
        yield installed
        return
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError(
            f"the page needs the npm package {ONNXRUNTIME_WEB}: install npm, or put the package "
            f"into '{installed}'"
        )
    with tempfile.TemporaryDirectory() as temporary:
        wanted = f"{ONNXRUNTIME_WEB}@{_VERSION}"
        words = [npm, "pack", wanted, "--pack-destination", temporary]
        said = subprocess.run(words, capture_output=True, text=True, check=False)
        if said.returncode:
            raise OSError(f"npm pack {wanted} failed: {said.stderr.strip()}")
        (archive,) = Path(temporary).glob("*.tgz")
        with tarfile.open(archive) as packed:
            packed.extractall(temporary, filter="data")
        yield Path(temporary) / "package"


def _copy_onnxruntime(package: Path, output: Path) -> None:
    """Copy what a browser runs; binaries are compressed, because not every host does it."""
    output.mkdir()
    for name in _SCRIPTS:
        shutil.copyfile(package / "dist" / name, output / name)
    for name in _BINARIES:
        packed = gzip.compress((package / "dist" / name).read_bytes(), 6, mtime=0)
        (output / f"{name}.gz").write_bytes(packed)
    about: dict[str, Any] = json.loads((package / "package.json").read_text(encoding="utf-8"))
    (output / "README.md").write_text(
        f"{ONNXRUNTIME_WEB} {about['version']} from npm, © Microsoft Corporation, licence "
        f"{about['license']}: <https://github.com/microsoft/onnxruntime>\n",
        encoding="utf-8",
    )


def _write_models(network: StyleKernelModel, output: Path, binary: Path) -> None:
    """Write the models, their weights and what the page must know of them."""
    output.mkdir()
    arrays = {name: each.detach().float().numpy() for name, each in network.state_dict().items()}
    config, weights = network.config, NetworkWeights(arrays, "the network")
    models: dict[str, onnx.ModelProto] = {
        "style.onnx": style_model(config, weights, pads=False),
        "transform.onnx": transform_model(config, weights, pads=False, steady=True),
        "measure.onnx": measure_model(config, weights),
    }
    weights.check_all_taken()
    (output / _WEIGHTS).write_bytes(share_weights(models, _WEIGHTS))
    for name, model in models.items():
        (output / name).write_bytes(model.SerializeToString())
    facts = {
        "margin": MARGIN,
        "stride": config.stride,
        "styleStride": config.style_stride,
        "reach": full_reach(config),
        "contentReach": content_reach(config),
        "smallestSide": smallest_side(config),
        # Channels of each level that has dynamic convolutions, finest first.
        "channels": config.encoder_channels[-len(config.dynamic_convolutions) :],
        "key": config.attention_channels,
        "value": config.style_channels[len(config.encoder_channels) - 1],
        "code": config.code_channels,
        # What the page loads before the first picture.
        "bytes": sum(path.stat().st_size for path in (*output.iterdir(), binary)),
    }
    (output / "network.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")


def _write_pictures(examples: Path, output: Path) -> None:
    """Copy photos and paintings, and write the strip of small paintings for the tiles."""
    listed = json.loads((output / "pictures.json").read_text(encoding="utf-8"))
    paintings = cast("list[dict[str, str]]", listed["paintings"])
    folder = output / "pictures"
    folder.mkdir()
    strip = Image.new("RGB", (_SIDE * len(paintings), _SIDE))
    for index, painting in enumerate(paintings):
        source = examples / painting["source"]
        with Image.open(source) as picture:
            whole = picture.convert("RGB")
        small = whole.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        strip.paste(small, (index * _SIDE, 0))
        if source.suffix == ".webp":
            shutil.copyfile(source, folder / source.name)
        else:
            whole.save(folder / f"{source.stem}.webp", quality=80, method=6)
    strip.save(folder / "strip.webp", quality=60, method=6)
    for photo in cast("list[dict[str, str]]", listed["photos"]):
        shutil.copyfile(examples / photo["source"], folder / Path(photo["source"]).name)


def _write_version(output: Path) -> None:
    """Name the version of the page in its service worker, which so takes new files."""
    digest = hashlib.sha256()
    for path in sorted(output.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(output).as_posix().encode() + path.read_bytes())
    worker = output / "sw.js"
    text = worker.read_text(encoding="utf-8").replace("@VERSION@", digest.hexdigest()[:16])
    worker.write_text(text, encoding="utf-8")
