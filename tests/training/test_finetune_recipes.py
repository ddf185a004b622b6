"""The recipes of `stylekernel finetune`: what they set on which device, and what beats them."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from accelerate.state import AcceleratorState

from stylekernel_hf.training.finetune_recipes import finetune_recipe
from stylekernel_hf.training.losses import LossWeights
from stylekernel_hf.training.settings import TrainingSettings
from tests.cli.shell import Shell
from tests.tiny import tiny_model
from tests.training.runs import tiny_settings

PAGE = Path(__file__).parents[2] / "docs" / "pages" / "training.md"
FOLDERS = "--content a --style b --output c --mixed-precision no"
# Before there were recipes, the documentation gave strong in these words.
STRONG = (
    "--steps 120 --size 320 --style-size 384 --batch-size 3 --max-zoom 1.35 --content-weight 1.2 "
    "--style-weight 30 --coarse-style-weight 4 --pattern-weight 12 --near-weight 3 "
    "--identity-every 0"
)


@pytest.fixture
def settings_of(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the settings that the words of a command tell, on a device of this type.

    "" asks accelerate for the device.
    """
    taken: list[TrainingSettings] = []
    monkeypatch.setattr(
        "stylekernel_hf.cli.finetune.run_training", lambda settings, **_: taken.append(settings)
    )

    def settings_of(words: str, device: str = "cpu") -> TrainingSettings:
        AcceleratorState._reset_state(reset_partial_state=True)
        if device:
            monkeypatch.setenv("ACCELERATE_TORCH_DEVICE", device)
        ended = shell("finetune", *f"{FOLDERS} {words}".split())
        assert ended.status == 0, ended.err
        return taken.pop()

    return settings_of


def test_strong_is_what_its_options_are_one_by_one(settings_of: Any) -> None:
    assert settings_of("--recipe strong") == settings_of(STRONG)


def test_recipe_is_gentle_unless_told_otherwise(settings_of: Any) -> None:
    settings = settings_of("")
    assert settings == settings_of("--recipe gentle")
    assert (settings.steps, settings.batch_size) == (300, 4)
    assert (settings.size, settings.style_size) == (256, 224)
    assert (settings.min_zoom, settings.max_zoom) == (1.0, 1.5)
    assert (settings.identity_every, settings.loader_workers) == (4, 1)
    assert settings.weights == LossWeights(content=1.5, style=20.0, smoothness=2.0)


@pytest.mark.parametrize("recipe", ["gentle", "strong"])
def test_gpu_takes_larger_batches_at_the_same_rate_and_loss(settings_of: Any, recipe: str) -> None:
    cpu, gpu = (settings_of(f"--recipe {recipe}", device) for device in ("cpu", "cuda"))
    assert 16 <= gpu.batch_size <= 24 and gpu.steps < cpu.steps
    assert gpu.pairs_per_step * gpu.steps > cpu.pairs_per_step * cpu.steps
    assert gpu.loader_workers > cpu.loader_workers
    assert (gpu.size, gpu.style_size, gpu.max_zoom) == (320, 384, 1.35)
    assert (gpu.weights, gpu.learning_rate) == (cpu.weights, cpu.learning_rate)
    assert gpu.identity_every == cpu.identity_every


@pytest.mark.parametrize(("recipe", "cost"), [("gentle", 2), ("strong", 4)])
def test_steps_on_a_gpu_fit_into_two_minutes_by_the_documented_rate(recipe: str, cost: int) -> None:
    assert "185 to 277 of small" in PAGE.read_text(encoding="utf-8")
    chosen = finetune_recipe(recipe, "cuda")
    assert chosen.steps * chosen.batch_size / (185 / 4 / cost) < 115


def test_documented_table_is_that_of_the_recipes() -> None:
    rows = re.findall(
        r"^\| (gentle|strong) \| ([CG]PU) +\|(.+)\|$",
        PAGE.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert len(rows) == 4
    for name, device, values in rows:
        chosen = finetune_recipe(name, {"CPU": "cpu", "GPU": "cuda"}[device])
        told = [chosen.steps, chosen.batch_size, chosen.size, chosen.style_size]
        assert [int(value) for value in re.findall(r"\d+", values)] == told


@pytest.mark.parametrize("device", ["mps", "xpu"])
def test_other_devices_get_the_values_of_a_cpu(device: str) -> None:
    assert finetune_recipe("strong", device) == finetune_recipe("strong", "cpu")


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_options_beat_the_recipe_zeros_too(settings_of: Any, device: str) -> None:
    words = "--recipe strong --steps 45 --batch-size 5 --size 64 --style-size 96 --max-zoom 2"
    words += " --identity-every 3 --loader-workers 0 --content-weight 2 --style-weight 1"
    words += " --coarse-style-weight 0 --pattern-weight 0 --near-weight 0 --smoothness-weight 0"
    settings = settings_of(words, device)
    assert (settings.steps, settings.batch_size, settings.warmup_steps) == (45, 5, 3)
    assert (settings.size, settings.style_size, settings.max_zoom) == (64, 96, 2.0)
    assert (settings.identity_every, settings.loader_workers) == (3, 0)
    assert settings.weights == LossWeights(content=2.0, style=1.0)


def test_launcher_may_ask_for_the_cpu_of_a_machine_with_a_gpu(
    settings_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    assert settings_of("", device="").batch_size == 16
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    assert settings_of("", device="").batch_size == 4


def test_unknown_recipe_is_refused_by_its_name(shell: Shell, tmp_path: Path) -> None:
    words = f"--content {tmp_path} --style {tmp_path} --output {tmp_path / 'run'} --recipe wild"
    ended = shell("finetune", *words.split())
    assert ended.status == 1
    assert "recipe must be 'gentle' or 'strong', got 'wild'" in ended.err
    assert not (tmp_path / "run").exists()


def test_run_of_strong_writes_its_settings_into_the_card(
    tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tiny_settings(tmp_path)
    tiny_model().save_pretrained(tmp_path / "start")
    words = "--recipe strong --steps 1 --size 32 --style-size 64 --loader-workers 0 --rank 2 "
    words += f"--content {settings.contents[0]} --style {settings.styles[0]} "
    words += f"--perceptual {settings.perceptual} --init {tmp_path / 'start'} "
    words += f"--output {settings.output}"
    monkeypatch.setattr(sys, "argv", ["stylekernel", "finetune", *words.split()])
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    ended = shell("finetune", *words.split())
    assert ended.status == 0, ended.err
    card = " ".join((settings.output / "model" / "README.md").read_text(encoding="utf-8").split())
    for told in (
        "1 steps of 3 pairs (crops of 32 px, paintings 64 px)",
        "changes of rank 2 alone",
        "Loss: content 1.2, style 30, color 2, identity 4, coarse style 4, pattern 12, near 3",
        "--recipe strong --steps 1",
    ):
        assert told in card, told
    assert (settings.output / "adapter.safetensors").exists()
