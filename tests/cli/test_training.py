"""Training and fine-tuning as a shell sees them."""

from __future__ import annotations

import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from accelerate.state import AcceleratorState

from stylekernel_hf.cli.app import app
from stylekernel_hf.cli.finetune import finetune
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint
from stylekernel_hf.training.losses import LossWeights
from stylekernel_hf.training.settings import TrainingSettings
from tests.cli.shell import Shell
from tests.forks import forked_command
from tests.hub.hub_server import HubServer
from tests.tiny import tiny_model
from tests.training.runs import assert_same_run, command_of, tiny_settings, train


@pytest.fixture(autouse=True)
def fresh_accelerator():
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_command_goes_on_to_the_result_of_an_unbroken_run(tmp_path: Path) -> None:
    settings = replace(tiny_settings(tmp_path), steps=24, save_every=5, sheet_every=12)
    tiny_model().save_pretrained(tmp_path / "start")
    train(settings)
    killed = replace(settings, output=tmp_path / "killed")
    words = ["train", *command_of(killed, init=tmp_path / "start")]
    with forked_command(*words) as process:
        log, began = killed.output / "log.jsonl", time.monotonic()
        while not (log.exists() and log.read_text().count("\n") > 7):
            assert process.poll() is None and time.monotonic() - began < 200
            time.sleep(0.01)
        process.kill()
        assert process.wait(60) == -signal.SIGKILL
    with forked_command(*words) as process:
        printed = process.stdout.read()
        assert process.wait(240) == 0, process.errors()
    assert "pairs a second" in printed and "lost to loading" in printed
    assert_same_run(settings.output, killed.output)


@pytest.mark.parametrize("command", ["train", "finetune"])
def test_embedded_names_the_weights_in_the_package(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, object] = {}
    monkeypatch.setattr(
        f"stylekernel_hf.cli.{command}.run_training", lambda _, **options: given.update(options)
    )
    words = ["--content", tmp_path, "--style", tmp_path, "--output", tmp_path / "run"]
    for init, expected in (("embedded", str(EMBEDDED_CHECKPOINT)), ("owner/name", "owner/name")):
        with pytest.raises(SystemExit) as stopped:
            app([command, *map(str, words), "--init", init])
        assert stopped.value.code == 0
        assert given["init"] == expected


def test_finetuned_model_is_pushed_with_a_filled_in_card(
    tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tiny_settings(tmp_path)
    tiny_model().push_to_hub("painter/base")
    monkeypatch.setattr(
        sys, "argv", ["stylekernel", "finetune", "--style", str(tmp_path / "styles")]
    )
    finetune(
        content=[tmp_path / "contents"],
        style=[tmp_path / "styles"],
        output=tmp_path / "tuned",
        init="painter/base",
        perceptual=settings.perceptual,
        steps=2,
        batch_size=1,
        size=32,
        style_size=32,
        loader_workers=0,
        push_to_hub="painter/tuned",
        private=True,
    )
    assert hub.repositories["painter/tuned"].private
    card = hub.files("painter/tuned")["README.md"].decode()
    for words in (
        "base_model: painter/base",
        "`contents` (8)",
        "`styles` (8)",
        "Started from `painter/base`",
        "2 steps of 1 pairs",
        "stylekernel finetune --style styles",
    ):
        assert words in card, words
    pushed, saved = load_checkpoint("painter/tuned"), load_checkpoint(tmp_path / "tuned" / "model")
    for name, value in saved.state_dict().items():
        assert pushed.state_dict()[name].equal(value.half().float()), name


@pytest.mark.parametrize("repo_id", ["name", "painter/a/b"])
def test_bad_hub_id_is_refused_before_the_run(tmp_path: Path, repo_id: str) -> None:
    settings = tiny_settings(tmp_path)
    with pytest.raises(ValueError, match="push_to_hub must be 'owner/name'"):
        finetune([settings.contents[0]], [settings.styles[0]], settings.output, push_to_hub=repo_id)
    assert not settings.output.exists()


def test_finetuning_takes_the_terms_and_the_zoom_of_marks(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[TrainingSettings] = []
    monkeypatch.setattr(
        "stylekernel_hf.cli.finetune.run_training", lambda settings, **_: taken.append(settings)
    )
    words = "--coarse-style-weight 5 --pattern-weight 12 --near-weight 3 --smoothness-weight 1"
    words += " --identity-every 0 --min-zoom 1.3 --max-zoom 2 --content a --style b --output c"
    status, _, error = shell("finetune", *words.split())
    assert status == 0, error
    (settings,) = taken
    assert settings.weights == LossWeights(
        content=1.5, coarse_style=5.0, pattern=12.0, near=3.0, smoothness=1.0
    )
    assert (settings.min_zoom, settings.max_zoom, settings.identity_every) == (1.3, 2.0, 0)
