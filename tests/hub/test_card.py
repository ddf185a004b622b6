"""Model cards: metadata, code that runs as pasted, and a user's own words."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from stylekernel_hf import CardDetails, StyleKernelModel
from stylekernel_hf.images.loading import load_image
from tests.hub.hub_server import HubServer
from tests.tiny import save_picture, tiny_model

REPO = "painter/my-fine-tune"


def metadata(card: str) -> dict[str, Any]:
    return ModelCard(card).data.to_dict()


def pushed_card(hub: HubServer, repo_id: str = REPO) -> str:
    return hub.files(repo_id)["README.md"].decode()


def push_own(hub: HubServer, change: Any) -> str:
    """Push, let a user change the card, push again; returns the card."""
    tiny_model().push_to_hub(REPO)
    files = dict(hub.files(REPO))
    hub.add(REPO, {**files, "README.md": change(pushed_card(hub)).encode()})
    tiny_model().push_to_hub(REPO)
    return pushed_card(hub)


def test_code_of_the_card_runs_as_pasted(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(save_picture(tmp_path / "p.png"), "photo.jpg")
    shutil.copy(save_picture(tmp_path / "q.png", seed=2), "painting.jpg")
    tiny_model().push_to_hub(REPO)
    blocks = re.findall(r"```python\n(.*?)```", pushed_card(hub), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    assert load_image("repainted.png").size == (48, 40)


def test_metadata_tell_what_it_is(hub: HubServer) -> None:
    evaluation = {"size": 512, "pair_count": 200, "mean": {"content": 0.9, "style": 0.1}}
    details = CardDetails(license="mit", datasets=["a/b"], tags=["art"], evaluation=evaluation)
    tiny_model().push_to_hub(REPO, card=details)
    found = metadata(pushed_card(hub))
    assert found["library_name"] == "diffusers" and found["pipeline_tag"] == "image-to-image"
    assert found["license"] == "mit" and found["datasets"] == ["a/b"]
    assert {"art", "style-transfer"} <= set(found["tags"])
    (result,) = found["model-index"][0]["results"]
    assert result["dataset"]["name"] == "200 pairs at 512 px"
    assert [(m["type"], m["value"]) for m in result["metrics"]] == [
        ("content", 0.9),
        ("style", 0.1),
    ]


def test_fine_tune_names_what_it_was_tuned_from(hub: HubServer) -> None:
    tiny_model().push_to_hub("painter/base")
    assert "base_model" not in metadata(pushed_card(hub, "painter/base"))
    tuned = StyleKernelModel.from_pretrained("painter/base")
    tuned.push_to_hub(REPO)
    assert metadata(pushed_card(hub))["base_model"] == "painter/base"
    assert metadata(pushed_card(hub))["base_model_relation"] == "finetune"
    assert "Fine-tuned from [painter/base]" in pushed_card(hub)


def test_fine_tune_names_it_after_folders_and_second_pushes_too(
    hub: HubServer, tmp_path: Path
) -> None:
    tiny_model().push_to_hub("painter/base")
    StyleKernelModel.from_pretrained("painter/base").save_pretrained(tmp_path / "run")
    StyleKernelModel.from_pretrained(tmp_path / "run").push_to_hub(REPO)
    for _ in range(2):
        card = pushed_card(hub)
        assert metadata(card)["base_model"] == "painter/base"
        assert "Fine-tuned from [painter/base]" in card
        StyleKernelModel.from_pretrained(REPO).push_to_hub(REPO)


def test_what_a_user_says_of_the_base_model_stays(hub: HubServer) -> None:
    own = "---\nbase_model: a/b\nbase_model_relation: merge\n---\n\n# All my own\n"
    found = metadata(push_own(hub, lambda _: own))
    assert (found["base_model"], found["base_model_relation"]) == ("a/b", "merge")


def test_text_around_our_part_is_kept(hub: HubServer) -> None:
    card = push_own(
        hub, lambda text: text.replace("---\n\n<!--", "---\n\nHello!\n\n<!--") + "\nBye"
    )
    assert "Hello!" in card and card.endswith("Bye")
    assert card.count("## Limitations") == 1


def test_change_within_our_part_is_kept(hub: HubServer) -> None:
    card = push_own(hub, lambda text: text.replace("## Limitations", "## What it cannot do"))
    assert "## What it cannot do" in card and "## Limitations" not in card


def test_card_without_our_part_is_kept_and_gets_metadata(hub: HubServer) -> None:
    own = "---\nlicense: mit\nthumbnail: me.png\ntags: [mine]\n---\n\n# All my own\n"
    card = push_own(hub, lambda _: own)
    assert card.endswith("---\n\n# All my own\n")
    found = metadata(card)
    assert found["license"] == "mit" and found["thumbnail"] == "me.png"
    assert "mine" in found["tags"] and found["pipeline_tag"] == "image-to-image"


def test_our_part_is_rewritten_when_nobody_touched_it(hub: HubServer, tmp_path: Path) -> None:
    tiny_model().save_repository(tmp_path)
    tiny_model().save_repository(tmp_path, card=CardDetails(training_data="Postcards."))
    card = (tmp_path / "README.md").read_text()
    assert "Postcards." in card and "Not told" not in card
