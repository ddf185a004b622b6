"""`stylekernel hub` in this process, against the Hub of the tests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState
from huggingface_hub import ModelCard
from typer.testing import CliRunner

from stylekernel_hf import CardDetails, StyleKernelModel, build_model
from stylekernel_hf.cli.app import app
from stylekernel_hf.cli.hub_source import read_details
from stylekernel_hf.pretrained.check import check_repository
from stylekernel_hf.pretrained.checkpoint import load_checkpoint
from tests.hub.hub_metadata import metadata_problems
from tests.hub.hub_server import HubServer
from tests.tiny import save_picture, save_tiny_vgg, tiny_model

HUB_CARD = Path(__file__).parents[2] / "hub_card"
SMALL, BASE = HUB_CARD / "stylekernel-small", HUB_CARD / "stylekernel-base"


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


def test_build_tells_how_the_evaluation_was_made(
    source: Path, checkpoint: Path, tmp_path: Path
) -> None:
    (source / "evaluation.md").write_text("Pairs of mine.\n")
    out = tmp_path / "out"
    words = ["hub", "build", str(source), "-o", str(out), "--model", str(checkpoint)]
    CliRunner().invoke(app, words, catch_exceptions=False)
    card = (out / "README.md").read_text()
    assert "\n\nPairs of mine.\n" in card and metadata_problems(card) == []


def test_project_repository_builds(checkpoint: Path, tmp_path: Path) -> None:
    words = ["hub", "build", str(SMALL), "-o", str(tmp_path / "out"), "--model", str(checkpoint)]
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    card = (tmp_path / "out" / "README.md").read_text()
    assert "non-commercial research" in card and "stylekernel-base" in card
    assert 'model="OWNER/stylekernel-small"' in card and "license: other" in card
    assert "| 12 | VGG-19 |" in (tmp_path / "out" / "training_history.md").read_text()
    assert "for research only" in (tmp_path / "out" / "LICENSE.md").read_text()
    assert metadata_problems(card) == []
    gallery = tmp_path / "out" / "images" / "gallery.jpg"
    # The README's own, so that the card never shows what older weights made.
    assert gallery.read_bytes() == (SMALL / "../../demo/examples/gallery.jpg").read_bytes()


def test_project_repository_of_base_is_whole_and_in_small_files() -> None:
    model = load_checkpoint(BASE / "model")
    with torch.device("meta"):
        preset = build_model("base").state_dict()
    assert {name: value.shape for name, value in model.state_dict().items()} == {
        name: value.shape for name, value in preset.items()
    }
    files = check_repository(BASE, model.half())
    assert {"README.md", "images/gallery.jpg"} <= set(files)
    assert max((BASE / name).stat().st_size for name in files) < 16_000_000


def test_card_of_base_is_what_its_sources_make(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("*.safetensors", "*.index.json")
    for name in (SMALL.name, BASE.name):
        shutil.copytree(HUB_CARD / name, tmp_path / name, ignore=ignored)
    with torch.device("meta"):
        network = build_model("base")
    network.save_card(tmp_path / BASE.name, card=read_details(tmp_path / BASE.name))
    expected = (BASE / "README.md").read_text()
    assert (tmp_path / BASE.name / "README.md").read_text() == expected


def test_card_command_leaves_the_weights(source: Path, checkpoint: Path) -> None:
    words = ["hub", "build", str(source), "-o", str(source), "--model", str(checkpoint)]
    CliRunner().invoke(app, words, catch_exceptions=False)
    weights = {path: path.read_bytes() for path in (source / "model").iterdir()}
    (source / "training_data.md").write_text("Stamps.")
    result = CliRunner().invoke(app, ["hub", "card", str(source)], catch_exceptions=False)
    assert result.exit_code == 0
    card = (source / "README.md").read_text()
    assert "Stamps." in card and "Postcards." not in card
    expected = {path: path.read_bytes() for path in (source / "model").iterdir()}
    assert weights == expected


def test_source_with_weights_of_its_own_is_built_with_them(
    source: Path, checkpoint: Path, tmp_path: Path
) -> None:
    model = load_checkpoint(checkpoint).half()
    model.save_pretrained(source / "model", max_shard_size="4KB")
    assert len(list((source / "model").glob("*.safetensors"))) > 1
    words = ["hub", "build", str(source), "-o", str(tmp_path / "out")]
    CliRunner().invoke(app, words, catch_exceptions=False)
    assert check_repository(tmp_path / "out", model)


def test_source_built_in_place_is_the_repository_in_shards(source: Path, checkpoint: Path) -> None:
    words = ["hub", "build", str(source), "-o", str(source), "--max-shard-size", "4KB"]
    for more in (["--model", str(checkpoint)], []):
        CliRunner().invoke(app, words + more, catch_exceptions=False)
        files = check_repository(source, load_checkpoint(checkpoint).half())
        shards = [source / name for name in files if name.endswith(".safetensors")]
        assert len(shards) > 1 and len(set(files)) == len(files)
        assert (source / "README.md").read_text().count("Postcards.") == 1


def test_bad_shard_size_is_named_before_anything_is_written(
    source: Path, checkpoint: Path, tmp_path: Path
) -> None:
    words = ["hub", "build", str(source), "-o", str(tmp_path / "out"), "--max-shard-size", "4XB"]
    with pytest.raises(ValueError, match="max_shard_size must be .* got '4XB'"):
        CliRunner().invoke(app, [*words, "--model", str(checkpoint)], catch_exceptions=False)
    assert not (tmp_path / "out").exists()


def test_push_puts_it_on_the_hub(hub: HubServer, source: Path, checkpoint: Path) -> None:
    words = ["hub", "push", str(source), "painter/small", "--model", str(checkpoint), "--private"]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.output.strip().endswith(hub.repositories["painter/small"].refs["main"])
    assert hub.repositories["painter/small"].private
    ModelCard(hub.files("painter/small")["README.md"].decode()).validate()
    assert b"Postcards." in hub.files("painter/small")["README.md"]


def test_unknown_detail_is_refused(source: Path, checkpoint: Path, tmp_path: Path) -> None:
    (source / "details.json").write_text('{"licence": "mit"}')
    with pytest.raises(ValueError, match="may have the keys license, .* got licence"):
        CliRunner().invoke(
            app,
            ["hub", "build", str(source), "-o", str(tmp_path / "out"), "--model", str(checkpoint)],
            catch_exceptions=False,
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"license": 7}', "license in .* must be a text, got 7"),
        ('{"tags": "art"}', "tags in .* must be a list of texts, got 'art'"),
        ('{"samples": [1]}', "samples in .* must be a list of texts, got"),
        ('{"peers": ["a"]}', "peers in .* must be an object of texts, got"),
        ('{"peers": {"a": 1}}', "peers in .* must be an object of texts, got"),
    ],
)
def test_detail_of_a_wrong_kind_is_refused(source: Path, text: str, message: str) -> None:
    (source / "details.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_details(source)


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


def test_training_starts_from_the_hub_and_its_card_says_so(hub: HubServer, tmp_path: Path) -> None:
    tiny_model().push_to_hub("painter/base")
    for index in range(6):
        save_picture(tmp_path / f"{index}.png", (48, 48), seed=index)
    vgg, run = save_tiny_vgg(tmp_path / "vgg.safetensors"), tmp_path / "run"
    words = ["train", "--init", "painter/base", "--content", tmp_path, "--style", tmp_path]
    words += ["--output", run, "--perceptual", vgg, "--steps", 1, "--batch-size", 1]
    words += ["--size", 32, "--style-size", 32, "--loader-workers", 0]
    AcceleratorState._reset_state(reset_partial_state=True)
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    # Its precision is the process's, and other tests train in another one.
    AcceleratorState._reset_state(reset_partial_state=True)
    assert result.exit_code == 0, result.output
    trained = StyleKernelModel.from_pretrained(run / "model")
    shapes = [
        {name: value.shape for name, value in model.state_dict().items()}
        for model in (trained, tiny_model())
    ]
    assert shapes[0] == shapes[1], "not the preset small"
    trained.push_to_hub("painter/tuned")
    card = ModelCard(hub.files("painter/tuned")["README.md"].decode())
    assert card.data.base_model == "painter/base"


def test_evaluation_takes_a_checkpoint_from_the_hub(hub: HubServer, tmp_path: Path) -> None:
    tiny_model().push_to_hub("painter/base")
    folder, figures = tmp_path / "pictures", tmp_path / "figures.json"
    folder.mkdir()
    save_picture(folder / "one.png", (64, 64))
    vgg = save_tiny_vgg(tmp_path / "vgg.safetensors")
    words = ["evaluate", folder, folder, "--model", "painter/base", "--size", 64, "--device", "cpu"]
    words += ["--perceptual", vgg, "--json", figures]
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    tuned = StyleKernelModel.from_pretrained("painter/base")
    tuned.push_to_hub("painter/tuned", card=CardDetails(evaluation=figures))
    card = ModelCard(hub.files("painter/tuned")["README.md"].decode())
    actual = {result.metric_type: result.metric_value for result in card.data.eval_results or []}
    expected = json.loads(figures.read_text())["mean"]
    assert actual == {name: round(value, 4) for name, value in expected.items()}
