"""The training loop, on tiny networks and pictures."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from PIL import Image

from stylekernel_hf.hub.weights import WEIGHTS_NAME
from stylekernel_hf.images.contact_sheet import GAP
from stylekernel_hf.pretrained.checkpoint import load_checkpoint
from stylekernel_hf.training.checkpoints import save_checkpoint
from stylekernel_hf.training.crops import CropPair
from stylekernel_hf.training.losses import LossWeights
from stylekernel_hf.training.schedule import cosine_with_warmup
from stylekernel_hf.training.setting_checks import PARTS
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.trainer import Trainer
from tests.forks import Forked
from tests.tiny import tiny_model, vgg_shaped_model
from tests.training.runs import command_of, log_of, state_of, train, train_whole_and_resumed


def test_resumed_run_takes_the_trajectory_of_an_unbroken_one(settings: TrainingSettings) -> None:
    settings = replace(settings, weights=LossWeights(temporal=2.0))
    # Other random weights: everything must come from the checkpoint of step 3.
    broken = train_whole_and_resumed(settings, other_seed=1)
    whole, resumed = state_of(settings.output), state_of(broken)
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name
    assert not torch.equal(
        whole["decoder.to_rgb.weight"], tiny_model().state_dict()["decoder.to_rgb.weight"]
    )


def test_resumed_run_takes_the_rate_and_the_steps_it_is_told(
    settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[float] = []
    take = Trainer._train_step

    def noted(self: Trainer, batches: list[CropPair]) -> dict[str, torch.Tensor]:
        rates.extend({group["lr"] for group in self.optimizer.param_groups})
        return take(self, batches)

    monkeypatch.setattr(Trainer, "_train_step", noted)
    train(replace(settings, learning_rate=1e-3))
    train(replace(settings, learning_rate=2e-4, steps=9))
    expected = [1e-3 * cosine_with_warmup(n, 6, warmup_steps=1, floor=0.002) for n in range(6)]
    expected += [2e-4 * cosine_with_warmup(n, 9, warmup_steps=1, floor=0.002) for n in range(6, 9)]
    assert rates == pytest.approx(expected, rel=1e-12)


def test_run_logs_every_term_and_leaves_sheets_and_checkpoints(settings: TrainingSettings) -> None:
    Trainer(tiny_model(), settings).run()
    lines = [json.loads(line) for line in (settings.output / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert {"content", "style", "color", "identity", "gradient_norm", "lr"} <= lines[0].keys()
    assert (settings.output / "sheets" / "step_0000006.jpg").exists()
    found = sorted(path.name for path in (settings.output / "checkpoints").iterdir())
    assert found == ["step_0000003", "step_0000006"]


def test_run_shows_what_it_changed(settings: TrainingSettings) -> None:
    settings = replace(settings, before_after=True, learning_rate=1e-2)
    Trainer(tiny_model(), settings).run()
    sheet = settings.output / "before_after.jpg"
    with Image.open(sheet) as opened:
        pixels = np.asarray(opened.convert("RGB"), np.float64)
    cell = settings.size + GAP
    rows = [pixels[GAP + cell * row :][: settings.size, cell:] for row in range(1, 3)]
    assert np.abs(rows[0] - rows[1]).mean() > 1, "the second row is by the trained network"
    AcceleratorState._reset_state(reset_partial_state=True)
    drawn = sheet.with_name("expected.jpg")
    trainer = Trainer(tiny_model(), replace(settings, output=settings.output.with_name("other")))
    trained = load_checkpoint(settings.output / "model")
    trainer.sheet.draw_before_after(tiny_model().eval(), trained, drawn)
    assert drawn.read_bytes() == sheet.read_bytes()
    card = (settings.output / "model" / "README.md").read_text()
    assert "](images/before_after.jpg)" in card
    assert (settings.output / "model/images/before_after.jpg").read_bytes() == sheet.read_bytes()


def test_training_lowers_the_loss(settings: TrainingSettings) -> None:
    settings = replace(
        settings,
        steps=60,
        learning_rate=2e-3,
        save_every=60,
        sheet_every=60,
        identity_every=0,
        color_augmentation=0.0,
    )
    Trainer(tiny_model(), settings).run()
    lines = [json.loads(line) for line in (settings.output / "log.jsonl").read_text().splitlines()]

    def total(part: list[dict[str, float]]) -> float:
        return sum(line["content"] + 20 * line["style"] for line in part) / len(part)

    assert total(lines[-10:]) < 0.8 * total(lines[:10])


def test_accumulated_batches_count_as_one(settings: TrainingSettings) -> None:
    settings = replace(settings, steps=1)
    one = replace(settings, batch_size=4, output=settings.output.with_name("one"))
    accumulated = replace(settings, batch_size=2, accumulate=2)
    gradients, others = gradients_of(one), gradients_of(accumulated)
    error = (gradients - others).norm() / gradients.norm()
    assert error < 1e-4
    # The halves of the batch have other gradients, whose mean is what is compared.
    half = gradients_of(replace(settings, output=settings.output.with_name("half")))
    assert (gradients - half).norm() > 0.1 * gradients.norm()
    assert log_of(one.output)[0] == pytest.approx(log_of(accumulated.output)[0], rel=1e-4)


def gradients_of(settings: TrainingSettings) -> torch.Tensor:
    """The gradients of the first step, in one vector."""
    AcceleratorState._reset_state(reset_partial_state=True)
    trainer = Trainer(tiny_model(), settings)
    trainer.optimizer.zero_grad = lambda: None
    trainer.run()
    return torch.cat([p.grad.flatten() for p in trainer.plain_model.parameters()])  # type: ignore[union-attr]


def assert_close_weights(one: TrainingSettings, other: TrainingSettings) -> None:
    """The weights may differ by a tenth of the way that they have gone.

    Muon and Adam turn gradients that are nothing but rounding errors into steps of full length.
    """
    start, weights, others = tiny_model().state_dict(), *map(state_of, (one.output, other.output))
    gone = sum(float((weights[name] - start[name]).square().sum()) for name in start)
    apart = sum(float((weights[name] - others[name]).square().sum()) for name in start)
    assert apart < 0.1**2 * gone


def test_two_processes_take_the_trajectory_of_one_with_the_whole_batch(
    settings: TrainingSettings,
) -> None:
    weights = LossWeights(temporal=2.0)
    settings = replace(settings, batch_size=4, identity_every=1, weights=weights)
    tiny_model().save_pretrained(settings.output.with_name("start"))
    shared = replace(settings, output=settings.output.with_name("shared"))
    train(settings)
    words = ["--multi_gpu", "--num_processes", 2, "--main_process_port", 0]
    words += ["-m", "stylekernel_hf.cli", "train"]
    words += command_of(shared, init=settings.output.with_name("start"))
    words += ["--temporal-weight", weights.temporal]
    launch = "from accelerate.commands.launch import main; main()"
    with Forked(launch, *words, env={"ACCELERATE_USE_CPU": "true"}) as launched:
        printed = launched.stdout.read()
        assert launched.wait(240) == 0, launched.errors()
    assert printed.count("wrote") == 1
    for line, other in zip(log_of(settings.output), log_of(shared.output), strict=True):
        # The norm of the gradient takes in the rounding of every step before; no term does so much.
        norms = [each.pop("gradient_norm") for each in (line, other)]
        assert norms[0] == pytest.approx(norms[1], rel=5e-4)
        assert line == pytest.approx(other, rel=1e-4, abs=2e-6)
    assert_close_weights(settings, shared)
    saved = sorted(path.name for path in (shared.output / "checkpoints/step_0000006").iterdir())
    assert [name for name in saved if "random" in name] == [
        "random_states_0.pkl",
        "random_states_1.pkl",
    ]


def test_batch_must_be_divisible_among_the_processes(
    settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Accelerator, "num_processes", 3)
    with pytest.raises(ValueError, match=r"batch_size must be a multiple .* \(3\), got 2"):
        Trainer(tiny_model(), settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("accumulate", 0),
        ("log_with", "paper"),
        ("batch_size", 0),
        ("attention_steps", -1),
        ("temporal_every", 0),
        ("size", 16),
        ("size", 100),
        ("max_zoom", 0.5),
        ("color_augmentation", 1.5),
        ("ema_decay", 1.0),
        ("learning_rate", 0.0),
        ("mixed_precision", "int8"),
    ],
)
def test_bad_setting_is_named(settings: TrainingSettings, name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        replace(settings, **{name: value})


def test_encoder_init_starts_the_encoders_as_the_perceptual_network(
    settings: TrainingSettings,
) -> None:
    settings = replace(settings, encoder_init=True)
    model = vgg_shaped_model()
    trainer = Trainer(model, settings)
    vgg_weight = trainer.perceptual.blocks[1][1].weight  # type: ignore[index]
    assert torch.equal(model.content_encoder.stages[1][2].weight, vgg_weight)  # type: ignore[index]
    with pytest.raises(ValueError, match="encoder_init"):
        Trainer(tiny_model(), settings)


def test_fixed_parts_stay_while_the_rest_is_trained(settings: TrainingSettings) -> None:
    before = tiny_model().state_dict()
    Trainer(tiny_model(), replace(settings, fixed=("style_encoder", "style_code"))).run()
    for name, value in state_of(settings.output).items():
        fixed = name.startswith(("style_encoder.", "style_code."))
        assert torch.equal(value, before[name]) == fixed, name


def test_parts_that_cannot_be_fixed_are_named(settings: TrainingSettings) -> None:
    with pytest.raises(ValueError, match="encoder_init .* not go with fixed"):
        replace(settings, fixed=("style_encoder",), encoder_init=True)
    with pytest.raises(ValueError, match=r"fixed must name parts of the network \(content_.*'cod'"):
        replace(settings, fixed=("decoder", "cod"))
    with pytest.raises(ValueError, match="fixed must leave a part of the network to train"):
        replace(settings, fixed=PARTS)


def test_parts_are_those_of_the_network() -> None:
    assert tuple(name for name, _ in tiny_model().named_children()) == PARTS


@pytest.mark.parametrize("kind", ["weights", "averaged weights"])
def test_checkpoint_whose_numbers_are_not_finite_is_not_resumed(
    settings: TrainingSettings, kind: str
) -> None:
    trainer = Trainer(tiny_model(), settings)
    trainer.run()
    network = trainer.plain_model if kind == "weights" else trainer.averaged_network
    spoilt = dict(network.named_parameters())["decoder.to_rgb.bias"]
    with torch.no_grad():
        spoilt[0] = float("nan")
    before = (settings.output / "model" / WEIGHTS_NAME).read_bytes()
    trainer.step = 9
    save_checkpoint(trainer.accelerator, settings.output, 9, {})
    message = rf"tensor decoder\.to_rgb\.bias of the {kind} in '.*step_0000009' must hold finite"
    with pytest.raises(ValueError, match=message):
        train(replace(settings, steps=12))
    assert (settings.output / "model" / WEIGHTS_NAME).read_bytes() == before
