"""Figures of `stylekernel evaluate` in a model card."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from stylekernel_hf import CardDetails, StyleKernelModel
from stylekernel_hf.evaluation.evaluation_result import Evaluation, PairScore, write_json
from stylekernel_hf.metrics.pair_metrics import Metrics
from tests.hub.hub_metadata import metadata_problems
from tests.hub.hub_server import HubServer
from tests.tiny import save_picture, tiny_model

REPO = "painter/my-fine-tune"


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    """Write what `stylekernel evaluate --json` writes."""
    pairs = (
        PairScore("a.jpg", "x.jpg", Metrics(content=0.9, style=0.25, ssim=0.5)),
        PairScore("b.jpg", "x.jpg", Metrics(content=0.7, style=0.35, ssim=0.25)),
    )
    trivial = Metrics(0.0, 0.36, 1.0), Metrics(1.9, 0.0, 0.1)
    write_json([Evaluation("ours", 1.0, 256, pairs, *trivial)], tmp_path / "figures.json")
    return tmp_path / "figures.json"


def pushed(hub: HubServer, **details: Any) -> ModelCard:
    tiny_model().push_to_hub(REPO, card=CardDetails(**details))
    return ModelCard(hub.files(REPO)["README.md"].decode())


def test_file_of_figures_becomes_a_table_and_metadata(hub: HubServer, figures: Path) -> None:
    card = pushed(hub, evaluation=figures, evaluation_note="By *me*.", license="mit")
    card.validate()
    results = {result.metric_type: result for result in card.data.eval_results or []}
    assert {name: result.metric_value for name, result in results.items()} == {
        "content": 0.8,
        "style": 0.3,
        "ssim": 0.375,
    }
    assert {result.dataset_name for result in results.values()} == {"2 pairs at 256 px"}
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table(card)]
    assert rows[0] == ["", "content", "style", "SSIM"]
    assert rows[2:] == [
        ["**this network**", "0.8000", "0.3000", "0.3750"],
        ["content unchanged", "0.0000", "0.3600", "1.0000"],
        ["style pasted", "1.9000", "0.0000", "0.1000"],
    ]
    assert "\n\nBy *me*.\n" in card.text and "stylekernel evaluate PHOTOS" not in card.text


def table(card: ModelCard) -> list[str]:
    results = card.text.partition("## Results")[2].partition("##")[0]
    return re.findall(r"^\|.*\|$", results, re.MULTILINE)


def test_peers_on_the_same_pairs_are_rows(hub: HubServer, figures: Path) -> None:
    peer = json.loads(figures.read_text())
    peer["mean"] = {"content": 0.5, "style": 0.25}
    card = pushed(hub, evaluation=figures, peers={"other": peer})
    assert table(card)[3].split() == ["|", "other", "|", "0.5000", "|", "0.2500", "|", "-", "|"]
    assert "Means of 2 pairs at 256 px" in card.text


@pytest.mark.parametrize("change", [{"size": 512}, {"pairs": []}, {"pair_count": 3}])
def test_peers_on_other_pairs_are_refused(
    tmp_path: Path, figures: Path, change: dict[str, Any]
) -> None:
    peer = {**json.loads(figures.read_text()), **change}
    details = CardDetails(evaluation=figures, peers={"other": peer})
    with pytest.raises(ValueError, match="peers must be evaluated on the same pairs, but 'other'"):
        tiny_model().save_repository(tmp_path / "out", card=details)


def test_without_a_note_the_card_tells_the_command(hub: HubServer, figures: Path) -> None:
    text = pushed(hub, evaluation=json.loads(figures.read_text())).text
    command = f"stylekernel evaluate PHOTOS PAINTINGS --size 256 --model {REPO}"
    assert f"Measured on 2 photos and 1 paintings with\n\n    {command}\n" in text


def test_figures_that_not_every_row_has_are_dashes(hub: HubServer) -> None:
    evaluation = {
        "size": 64,
        "pair_count": 1,
        "mean": {"content": 1, "lpips": 0.25},
        "style_pasted": {"content": 2.0},
    }
    card = pushed(hub, evaluation=evaluation)
    assert table(card)[0].split() == ["|", "|", "content", "|", "LPIPS", "|"]
    assert table(card)[-1].split() == ["|", "style", "pasted", "|", "2.0000", "|", "-", "|"]


def test_figures_of_older_weights_do_not_stay(hub: HubServer, figures: Path) -> None:
    pushed(hub, evaluation=figures)
    StyleKernelModel.from_pretrained(REPO).push_to_hub(REPO)
    card = ModelCard(hub.files(REPO)["README.md"].decode())
    assert card.data.eval_results is None and "None yet" in card.text


def test_figures_that_a_user_wrote_stay(hub: HubServer) -> None:
    tiny_model().push_to_hub(REPO)
    card = ModelCard(hub.files(REPO)["README.md"].decode())
    metric = {"type": "votes", "value": 7}
    own = {"task": {"type": "t"}, "dataset": {"type": "d", "name": "D"}, "metrics": [metric]}
    text = str(card).replace(
        "---\n", f"---\nmodel-index: {[{'name': 'me', 'results': [own]}]}\n", 1
    )
    hub.add(REPO, {**hub.files(REPO), "README.md": text.encode()})
    tiny_model().push_to_hub(REPO)
    (result,) = ModelCard(hub.files(REPO)["README.md"].decode()).data.eval_results or []
    assert (result.metric_type, result.metric_value) == ("votes", 7)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (None, FileNotFoundError, "evaluation: no such file"),
        ("{", ValueError, "evaluation: .* is not valid JSON"),
        ('{"style": 1}', ValueError, "evaluation must be what .* under 'mean'; got keys style"),
        ('{"mean": {"style": "low"}}', ValueError, "evaluation must be what .* under 'mean'"),
        ('{"mean": {"style": 1}, "style_pasted": 2}', ValueError, "under 'style_pasted'"),
    ],
)
def test_what_holds_no_figures_is_refused(
    tmp_path: Path, text: str | None, error: type[Exception], message: str
) -> None:
    path = tmp_path / "figures.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(error, match=message):
        tiny_model().save_repository(tmp_path / "out", card=CardDetails(evaluation=path))
    assert not (tmp_path / "out").exists()


def test_samples_are_shown_whatever_their_names(tmp_path: Path) -> None:
    sample = save_picture(tmp_path / "my wave (1).png")
    tiny_model().save_repository(tmp_path / "out", card=CardDetails(samples=[str(sample)]))
    card = (tmp_path / "out" / "README.md").read_text()
    assert "![my wave (1)](images/my%20wave%20%281%29.png)" in card
    assert (tmp_path / "out" / "images" / sample.name).read_bytes() == sample.read_bytes()


def test_samples_that_are_missing_or_of_one_name_are_refused(tmp_path: Path) -> None:
    sample = save_picture(tmp_path / "wave.png")
    with pytest.raises(ValueError, match=r"samples must have names of their own, got two 'wave\."):
        tiny_model().save_repository(tmp_path / "out", card=CardDetails(samples=[sample, sample]))
    with pytest.raises(FileNotFoundError, match="samples: no such file: 'nowhere'"):
        tiny_model().save_repository(tmp_path / "out", card=CardDetails(samples=["nowhere"]))


def test_cards_are_such_as_the_hub_takes(hub: HubServer, figures: Path) -> None:
    card = pushed(hub, evaluation=figures, datasets=["a/b"], base_model="c/d", tags=["art"])
    assert metadata_problems(str(card)) == []
    for wrong in (
        str(card).replace("license: apache-2.0", "license: my own"),
        str(card).replace("- a/b", "- 7"),
        str(card).replace("base_model: c/d", "base_model: c/d/e"),
        str(card).replace("      type: image-pairs\n", ""),
        str(card).replace("      value: 0.8\n", ""),
    ):
        assert metadata_problems(wrong) != []
    with pytest.raises(ValueError, match="license"):
        ModelCard(str(card).replace("license: apache-2.0", "license: my own")).validate()
