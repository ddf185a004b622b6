"""`stylekernel hub` in this process, against the Hub of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from stylekernel_hf import StyleKernelModel
from stylekernel_hf.cli.app import app
from stylekernel_hf.repository.check import check_repository
from tests.hub_server import HubServer
from tests.tiny import save_picture, tiny_model

SMALL = Path(__file__).parents[2] / "hub_card" / "stylekernel-small"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    tiny_model().save_pretrained(tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "images").mkdir(parents=True)
    save_picture(folder / "images" / "sample.png")
    (folder / "details.json").write_text('{"license": "mit", "datasets": ["someone/paintings"]}')
    (folder / "training_data.md").write_text("Postcards.")
    (folder / "evaluation.json").write_text(
        '{"size": 512, "pair_count": 7, "mean": {"content": 0.5, "style": 0.25, "ssim": 0.75}}'
    )
    return folder


def test_build_writes_what_the_source_tells(source: Path, checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (source / "README.md").write_text("My own words.\n")
    words = ["hub", "build", str(source), "-o", str(out), "--model", str(checkpoint)]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert "files, which load bit-equal" in result.output
    card = (out / "README.md").read_text()
    assert "license: mit" in card and "- someone/paintings" in card and "My own words." in card
    assert "value: 0.25" in card and "7 pairs at 512 px" in card
    assert (out / "images" / "sample.png").exists()


def test_project_repository_builds(checkpoint: Path, tmp_path: Path) -> None:
    words = ["hub", "build", str(SMALL), "-o", str(tmp_path / "out"), "--model", str(checkpoint)]
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    card = (tmp_path / "out" / "README.md").read_text()
    assert "What the embedded weights were trained on" in card and "gallery.jpg" in card


def test_push_puts_it_on_the_hub(hub: HubServer, source: Path, checkpoint: Path) -> None:
    words = ["hub", "push", str(source), "painter/small", "--model", str(checkpoint), "--private"]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.output.strip().endswith(hub.repositories["painter/small"].refs["main"])
    assert hub.repositories["painter/small"].private
    assert b"Postcards." in hub.files("painter/small")["README.md"]


def test_unknown_detail_is_refused(source: Path, checkpoint: Path, tmp_path: Path) -> None:
    (source / "details.json").write_text('{"licence": "mit"}')
    with pytest.raises(ValueError, match="may have the keys license, .* got licence"):
        CliRunner().invoke(
            app,
            ["hub", "build", str(source), "-o", str(tmp_path / "out"), "--model", str(checkpoint)],
            catch_exceptions=False,
        )


def test_check_finds_other_weights_and_a_bare_card(checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tiny_model(seed=1).save_repository(out)
    with pytest.raises(ValueError, match="is not that of the network"):
        check_repository(out, tiny_model())
    (out / "README.md").write_text("nothing")
    with pytest.raises(ValueError, match="lacks the metadata library_name, license"):
        check_repository(out, StyleKernelModel.from_pretrained(out))
    with pytest.raises(FileNotFoundError, match=r"no model_index\.json"):
        check_repository(checkpoint, tiny_model())
