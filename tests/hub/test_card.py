"""Model cards: metadata, code that runs as pasted, and a user's own words."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard, hf_hub_download

from stylekernel_hf import CardDetails, StyleKernelModel
from stylekernel_hf.images.loading import load_image
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint
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
    assert load_image("stylized.png").size == (48, 40)


def test_metadata_tell_what_it_is(hub: HubServer) -> None:
    evaluation = {"size": 512, "pair_count": 200, "mean": {"content": 0.9, "style": 0.1}}
    details = CardDetails(license="mit", datasets=["a/b"], tags=["art"], evaluation=evaluation)
    tiny_model().push_to_hub(REPO, card=details)
    actual = metadata(pushed_card(hub))
    assert actual["library_name"] == "diffusers" and actual["pipeline_tag"] == "image-to-image"
    assert actual["license"] == "mit" and actual["datasets"] == ["a/b"]
    assert {"art", "style-transfer"} <= set(actual["tags"])
    (result,) = actual["model-index"][0]["results"]
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
    actual = metadata(push_own(hub, lambda _: own))
    assert (actual["base_model"], actual["base_model_relation"]) == ("a/b", "merge")


def test_text_around_our_part_is_kept(hub: HubServer) -> None:
    card = push_own(
        hub, lambda text: text.replace("---\n\n<!--", "---\n\nHello!\n\n<!--") + "\nBye"
    )
    assert "Hello!" in card and card.endswith("Bye")
    assert card.count("## Limits") == 1


def test_change_within_our_part_is_kept(hub: HubServer) -> None:
    card = push_own(hub, lambda text: text.replace("## Limits", "## Weaknesses"))
    assert "## Weaknesses" in card and "## Limits" not in card


def test_card_without_our_part_is_kept_and_gets_metadata(hub: HubServer) -> None:
    own = "---\nlicense: mit\nthumbnail: me.png\ntags: [mine]\n---\n\n# All my own\n"
    card = push_own(hub, lambda _: own)
    assert card.endswith("---\n\n# All my own\n")
    actual = metadata(card)
    assert actual["license"] == "mit" and actual["thumbnail"] == "me.png"
    assert "mine" in actual["tags"] and actual["pipeline_tag"] == "image-to-image"


def test_code_of_a_saved_card_names_no_folder_but_what_a_push_replaces(tmp_path: Path) -> None:
    tiny_model().save_repository(tmp_path)
    card = (tmp_path / "README.md").read_text()
    assert 'model="OWNER/NAME"' in card and "pushing writes it" in card
    tiny_model().save_repository(tmp_path, card=CardDetails(repo_id="OWNER/waves"))
    card = (tmp_path / "README.md").read_text()
    assert 'model="OWNER/waves"' in card and "# waves\n" in card


def test_pushed_card_links_paper_code_and_demo_and_names_the_repository(hub: HubServer) -> None:
    details = CardDetails(code_url="https://code.example", demo_url="https://demo.example")
    tiny_model().push_to_hub(REPO, card=details)
    card = pushed_card(hub)
    for expected in ("https://arxiv.org/abs/2304.00414", "<https://code.example>"):
        assert expected in card
    assert "<https://demo.example>" in card and card.count(f'"{REPO}"') == 2
    assert "OWNER" not in card and "# my-fine-tune\n" in card


def test_architecture_stands_beside_the_presets(hub: HubServer) -> None:
    tiny_model().push_to_hub(REPO)
    parameters = sum(parameter.numel() for parameter in tiny_model().parameters())
    card = re.sub(" +", " ", pushed_card(hub))
    assert "| | this network | preset small | preset base |" in card
    assert f"| parameters | {parameters:,} | 2.8 M | 43.7 M |" in card


def test_licence_with_terms_is_written_linked_and_kept(hub: HubServer, tmp_path: Path) -> None:
    details = CardDetails(license="other", license_name="own-terms", terms="Ask me.")
    tiny_model().push_to_hub(REPO, card=details)
    tuned = StyleKernelModel.from_pretrained(REPO)
    tuned.push_to_hub(REPO)
    actual = metadata(pushed_card(hub))
    expected = ("other", "own-terms", "LICENSE.md")
    assert (actual["license"], actual["license_name"], actual["license_link"]) == expected
    assert hub.files(REPO)["LICENSE.md"] == b"Ask me.\n"
    assert "[own-terms](LICENSE.md)" in pushed_card(hub)
    tuned.push_to_hub(REPO, card=CardDetails(license="mit"))
    actual = metadata(pushed_card(hub))
    assert actual["license"] == "mit" and "license_name" not in actual


def test_fine_tune_of_the_embedded_weights_has_their_licence(tmp_path: Path) -> None:
    load_checkpoint(EMBEDDED_CHECKPOINT).save_repository(tmp_path)
    actual = metadata((tmp_path / "README.md").read_text())
    assert actual["license"] == "other"
    assert actual["license_name"] == "apache-2.0-with-research-data"
    assert "for research only" in (tmp_path / actual["license_link"]).read_text()


def test_licence_of_weights_from_the_hub_is_that_of_a_cached_card_or_unknown(
    hub: HubServer, tmp_path: Path
) -> None:
    details = CardDetails(license="other", license_name="own-terms", terms="Ask me.")
    tiny_model().push_to_hub("painter/licensed", card=details)
    StyleKernelModel.from_pretrained("painter/licensed").save_repository(tmp_path / "unknown")
    actual = metadata((tmp_path / "unknown" / "README.md").read_text())
    assert actual["license"] == "unknown" and "license_name" not in actual
    for name in ("README.md", "LICENSE.md"):
        hf_hub_download("painter/licensed", name)
    StyleKernelModel.from_pretrained("painter/licensed").save_repository(tmp_path / "known")
    actual = metadata((tmp_path / "known" / "README.md").read_text())
    assert (actual["license"], actual["license_name"]) == ("other", "own-terms")
    assert (tmp_path / "known" / "LICENSE.md").read_text() == "Ask me.\n"


def test_history_of_the_training_lies_beside_the_card(tmp_path: Path) -> None:
    tiny_model().save_repository(tmp_path, card=CardDetails(training_history="Two stages."))
    assert "[training_history.md](training_history.md)" in (tmp_path / "README.md").read_text()
    assert (tmp_path / "training_history.md").read_text() == "Two stages.\n"


def test_benchmark_becomes_a_table_of_the_network_and_of_files(tmp_path: Path) -> None:
    machine = {"system": "Linux x86_64", "threads": 2, "cuda": None}
    machine |= {"torch": "2.14", "stylekernel_hf": "0.1.0"}
    measured = {"size": 512, "device": "cpu", "dtype": "float32", "seconds": 0.0471}
    measurements = [
        {"work": work, "peak_bytes": peak, **measured}
        for work, peak in (("style", None), ("network", 2**28), ("file to file", None))
    ]
    benchmark = {"machine": machine, "measurements": measurements}
    tiny_model().save_repository(tmp_path, card=CardDetails(benchmark=benchmark))
    card = re.sub(" +", " ", (tmp_path / "README.md").read_text())
    assert "| network | 512 px | cpu | float32 | 0.0471 | 256 MiB |" in card
    assert "| file to file | 512 px | cpu | float32 | 0.0471 | - |" in card
    assert "| style |" not in card and "Linux x86_64, 2 threads, torch 2.14" in card


@pytest.mark.parametrize(
    "benchmark", [{}, {"machine": {}, "measurements": []}, {"machine": 1, "measurements": [{}]}]
)
def test_benchmark_without_figures_is_refused(tmp_path: Path, benchmark: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="benchmark must be what `stylekernel benchmark --json`"):
        tiny_model().save_repository(tmp_path, card=CardDetails(benchmark=benchmark))


def test_our_part_is_rewritten_when_nobody_touched_it(hub: HubServer, tmp_path: Path) -> None:
    tiny_model().save_repository(tmp_path)
    tiny_model().save_repository(tmp_path, card=CardDetails(training_data="Postcards."))
    card = (tmp_path / "README.md").read_text()
    assert "Postcards." in card and "Not documented" not in card
