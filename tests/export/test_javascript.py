"""The JavaScript in the documentation gives the network's picture in Node.js.

It needs Node.js, and `npm install onnxruntime-web onnxruntime-node sharp` in the root of the
repository.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stylekernel_hf import export_onnx
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint
from tests.export.exported import smooth_picture, stylize_by_torch

pytest.importorskip("onnx")
ROOT = Path(__file__).parents[2]
MODULES = ROOT / "node_modules"
NODE = shutil.which("node")

_MAIN = """
import fs from "node:fs";
import { stylize } from "./stylize.mjs";

const picture = ({ name, width, height }) => ({ data: fs.readFileSync(name), width, height });
const { photo, painting, strength } = JSON.parse(process.argv[2]);
const [style, transform] = ["style.onnx", "transform.onnx"].map((name) => fs.readFileSync(name));
const result = await stylize({ style, transform }, picture(photo), picture(painting), strength);
fs.writeFileSync("result", result.data);
"""


def in_the_documentation() -> list[str]:
    page = (ROOT / "docs" / "pages" / "export.md").read_text(encoding="utf-8")
    return re.findall(r"```javascript\n(.*?)```", page, re.DOTALL)


@pytest.mark.skipif(
    NODE is None or not (MODULES / "onnxruntime-web").is_dir(),
    reason="needs Node.js and onnxruntime-web in node_modules",
)
@pytest.mark.parametrize("strength", [1.0, 0.6])
def test_module_in_the_documentation_makes_the_networks_picture(strength: float, tmp_path: Path):
    network = load_checkpoint(EMBEDDED_CHECKPOINT)
    export_onnx(network, tmp_path)
    (tmp_path / "stylize.mjs").write_text(in_the_documentation()[0], encoding="utf-8")
    (tmp_path / "main.mjs").write_text(_MAIN, encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(MODULES.resolve(), target_is_directory=True)
    pictures = {
        "photo": smooth_picture(67, 91, seed=1),
        "painting": smooth_picture(96, 130, seed=2),
    }
    given: dict[str, object] = {"strength": strength}
    for name, rgb in pictures.items():
        pixels = (rgb[0].permute(1, 2, 0) * 255).round().byte()
        pictures[name] = pixels.permute(2, 0, 1)[None].float() / 255
        opaque = torch.cat([pixels, torch.full_like(pixels[..., :1], 255)], dim=2)
        (tmp_path / name).write_bytes(opaque.numpy().tobytes())
        given[name] = {"name": name, "height": rgb.shape[2], "width": rgb.shape[3]}
    assert NODE is not None
    subprocess.run([NODE, "main.mjs", json.dumps(given)], cwd=tmp_path, check=True, timeout=300)
    actual = np.frombuffer((tmp_path / "result").read_bytes(), np.uint8).reshape(67, 91, 4)
    expected = stylize_by_torch(
        network, pictures["photo"], [pictures["painting"]], strength=strength
    )
    difference = actual[..., :3] - 255 * expected[0].transpose(1, 2, 0)
    assert np.abs(difference).max() < 0.6
    assert (actual[..., 3] == 255).all()


@pytest.mark.skipif(
    NODE is None or not all((MODULES / name).is_dir() for name in ("onnxruntime-node", "sharp")),
    reason="needs Node.js, and onnxruntime-node and sharp in node_modules",
)
def test_program_in_the_documentation_makes_the_networks_picture(tmp_path: Path):
    network = load_checkpoint(EMBEDDED_CHECKPOINT)
    export_onnx(network, tmp_path / "exported")
    (tmp_path / "stylize.mjs").write_text(in_the_documentation()[1], encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(MODULES.resolve(), target_is_directory=True)
    pictures = []
    # The short side of the painting is 512 px: the libraries resize differently.
    for name, height, width in (("photo.png", 67, 91), ("painting.png", 544, 512)):
        pixels = (smooth_picture(height, width, seed=height)[0].permute(1, 2, 0) * 255).round()
        Image.fromarray(pixels.byte().numpy()).save(tmp_path / name)
        pictures.append(pixels.permute(2, 0, 1)[None] / 255)
    assert NODE is not None
    command = [NODE, "stylize.mjs", "photo.png", "painting.png", "result.png"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=300)
    actual = np.asarray(Image.open(tmp_path / "result.png"))
    expected = stylize_by_torch(network, pictures[0], [pictures[1]], strength=0.8)
    assert np.abs(actual - 255 * expected[0].transpose(1, 2, 0)).max() < 0.6
