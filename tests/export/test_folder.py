"""`export_onnx` and `stylekernel export`: a folder that explains and runs itself."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stylekernel_hf import export_onnx
from stylekernel_hf.export import differences
from stylekernel_hf.images.loading import load_image
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint
from stylekernel_hf.pretrained.model import StyleKernelModel
from tests.cli.shell import Shell
from tests.export.exported import smooth_picture, stylize_by_torch
from tests.tiny import save_picture

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
FILES = {"LICENSE.md", "README.md", "style.onnx", "transform.onnx"}


@pytest.fixture(scope="module")
def small() -> StyleKernelModel:
    return load_checkpoint(EMBEDDED_CHECKPOINT)


def test_folder_holds_the_models_a_readme_and_the_licence(small: StyleKernelModel, tmp_path: Path):
    folder = tmp_path / "new" / "exported"
    export_onnx(small, folder)
    assert {path.name for path in folder.iterdir()} == FILES
    licence = (folder / "LICENSE.md").read_text(encoding="utf-8")
    assert licence == (EMBEDDED_CHECKPOINT / "LICENSE.md").read_text(encoding="utf-8")
    model = onnx.load(folder / "transform.onnx")
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert facts["precision"] == "fp32"
    assert facts["smallest_side"] == "48"
    assert facts["checkpoint_id"] == small.checkpoint_id
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert small.checkpoint_id in readme
    assert not re.search(r"@[A-Z_]+@", readme)
    assert f"Opset {model.opset_import[0].version}" in readme


def test_program_in_the_readme_makes_the_networks_picture(
    small: StyleKernelModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    export_onnx(small, tmp_path)
    painting = smooth_picture(512, 512, seed=2)
    pixels = (painting[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "painting.jpg", quality=100, subsampling=0)
    save_picture(tmp_path / "photo.jpg", (101, 75))
    monkeypatch.chdir(tmp_path)
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    assert program is not None
    exec(compile(program[1], "README.md", "exec"), {})
    actual = np.asarray(load_image("stylized.png"), np.float32)
    photo, style = (
        np.asarray(load_image(name), np.float32).transpose(2, 0, 1)[None] / 255
        for name in ("photo.jpg", "painting.jpg")
    )
    expected = stylize_by_torch(small, torch.from_numpy(photo), [torch.from_numpy(style)])
    expected = 255 * expected[0].transpose(1, 2, 0)
    assert np.abs(actual - expected).max() < 1


def test_half_precision_takes_half_the_size_and_states_its_differences(
    small: StyleKernelModel, tmp_path: Path
):
    export_onnx(small, tmp_path / "full")
    export_onnx(small.half(), tmp_path / "half", precision="fp16")
    small.float()
    full, half = ((tmp_path / name / "style.onnx").stat().st_size for name in ("full", "half"))
    assert half < 0.65 * full
    readme = (tmp_path / "half" / "README.md").read_text(encoding="utf-8")
    stated = re.findall(r"^\| (1|0\.5) \| (\d\.\d+) \| (\d\.\d+) \|$", readme, re.MULTILINE)
    assert [strength for strength, _, _ in stated] == ["1", "0.5"]
    assert all(0 < float(mean) < float(largest) < 1 for _, mean, largest in stated)
    assert "fp16 differs" not in (tmp_path / "full" / "README.md").read_text(encoding="utf-8")


def test_without_onnxruntime_differences_are_unknown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    graph = onnx.ModelProto()
    section = differences.describe_differences((graph, graph), (graph, graph), "fp16")
    assert "were not measured, because onnxruntime is not installed" in section


def test_other_files_of_the_folder_stay(small: StyleKernelModel, tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "style.onnx").write_text("old")
    export_onnx(small, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, "notes.txt"}
    assert (tmp_path / "style.onnx").stat().st_size > 1000


@pytest.mark.parametrize("name", ["README.md", "LICENSE.md"])
def test_texts_of_others_are_not_replaced(small: StyleKernelModel, tmp_path: Path, name: str):
    (tmp_path / name).write_text("mine")
    with pytest.raises(FileExistsError, match=f"^folder must .* has a {name} that is of no export"):
        export_onnx(small, tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]


def test_network_that_was_not_loaded_has_no_terms(tmp_path: Path):
    export_onnx(StyleKernelModel(), tmp_path)
    assert "the network that was exported" in (tmp_path / "LICENSE.md").read_text(encoding="utf-8")


def test_what_cannot_be_written_is_refused(small: StyleKernelModel, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="folder must be a folder, but"):
        export_onnx(small, tmp_path / "file")
    with pytest.raises(ValueError, match="precision must be 'fp32', 'fp16' or 'int8', got 'fp8'"):
        export_onnx(small, tmp_path / "new", precision="fp8")  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


def test_shell_exports_a_checkpoint(shell: Shell, small: StyleKernelModel, tmp_path: Path):
    small.save_pretrained(tmp_path / "network")
    ended = shell(
        "export", tmp_path / "network", "--output", tmp_path / "out", "--precision", "fp16"
    )
    assert ended.status == 0, ended.err
    sizes = r"style.onnx \(4.\d MB\), transform.onnx \(7.\d MB\)"
    assert re.fullmatch(rf"wrote .*/out: {sizes}", ended.out.strip())
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES


def test_shell_names_the_output_that_it_cannot_write(shell: Shell, tmp_path: Path):
    (tmp_path / "file").touch()
    ended = shell("export", "--output", tmp_path / "file")
    assert ended.status == 1
    assert "output must be a folder" in ended.err
    (tmp_path / "README.md").write_text("mine")
    ended = shell("export", "--output", tmp_path)
    assert ended.status == 1
    assert "output must hold nothing that the export replaces" in ended.err
