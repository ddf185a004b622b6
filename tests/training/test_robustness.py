"""What runs meet: kills, full disks, lost folders, damaged pictures and losses that are none."""

from __future__ import annotations

import pickle
import re
import resource
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from stylekernel_hf.images.loading import load_image
from stylekernel_hf.training.crops import RandomCrops
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.trainer import Trainer
from tests.forks import Forked
from tests.tiny import save_picture, tiny_model
from tests.training.runs import assert_same_run, state_of, train

TRAINING = """
import pickle, sys
from tests.training.runs import train_until_killed
train_until_killed(*pickle.loads(bytes.fromhex(sys.argv[1])))
"""


def checkpoints(settings: TrainingSettings) -> list[str]:
    return sorted(path.name for path in (settings.output / "checkpoints").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_run_killed_over_and_over_takes_the_trajectory_of_an_unbroken_one(
    settings: TrainingSettings,
) -> None:
    # Means over two steps, which a checkpoint after the third cuts in half.
    settings = replace(settings, log_every=2, sheet_every=3)
    train(settings)
    broken = replace(settings, output=settings.output.with_name("broken"))
    # In the first checkpoint; in the model after it; in the log's repair; between two lines; in
    # the second checkpoint; in the model after that; and with nothing left to do but the model.
    operations = (9, 16, 2, 4, 10, 18, 5, 10**9)
    for start, operation in enumerate(operations):
        # Other random weights where there is a checkpoint: everything must come from it.
        seed = start if (broken.output / "checkpoints" / "step_0000003").exists() else 0
        expected = 0 if operation == operations[-1] else -signal.SIGKILL
        with Forked(TRAINING, pickle.dumps((broken, seed, operation)).hex()) as process:
            assert process.wait(240) == expected, (start, operation, process.errors())
    assert_same_run(settings.output, broken.output)
    left = [path.relative_to(broken.output) for path in sorted(broken.output.rglob("*"))]
    assert left == [
        path.relative_to(settings.output) for path in sorted(settings.output.rglob("*"))
    ]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the system refuse longer files, as a full disk does.

    Python ignores the signal that would end the process.
    """
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("room", [0, 2_000, 40_000])
def test_full_disk_ends_the_run_in_one_line_and_leaves_the_last_checkpoint(
    settings: TrainingSettings, room: int
) -> None:
    trainer = Trainer(tiny_model(), settings)

    def on_step(step: int, _: dict[str, float]) -> None:
        if step == 4:
            limit = files_of_at_most(room)
            limits.enter_context(limit)

    with ExitStack() as limits, pytest.raises(OSError, match="cannot write") as caught:
        trainer.run(on_step)
    assert re.search(r"\([\d.]+ MiB free\): .*step_0000003' is intact", str(caught.value))
    assert "\n" not in str(caught.value)
    assert checkpoints(settings) == ["step_0000003"]
    # Once there is room again, the run goes on as if nothing had been.
    train(settings, seed=1)
    whole = replace(settings, output=settings.output.with_name("whole"))
    train(whole)
    assert_same_run(settings.output, whole.output)


@pytest.mark.parametrize("workers", [0, 1])
def test_lost_folder_ends_the_run_in_one_line_and_leaves_the_last_checkpoint(
    settings: TrainingSettings, workers: int
) -> None:
    settings = replace(settings, cache_gigabytes=0.0, loader_workers=workers, steps=40)
    trainer = Trainer(tiny_model(), settings)

    def on_step(step: int, _: dict[str, float]) -> None:
        if step == 4:
            shutil.rmtree(settings.styles[0])

    with pytest.raises(FileNotFoundError) as caught:
        trainer.run(on_step)
    assert str(caught.value).startswith(f"the folder '{settings.styles[0]}' is gone")
    assert "is intact" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert all(value.isfinite().all() for value in state_of(settings.output).values())


def test_damaged_pictures_are_named_and_the_others_are_drawn(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = [save_picture(tmp_path / f"{i}.png", (80, 60), seed=i) for i in range(3)]
    truncated = save_picture(tmp_path / "truncated.png", (400, 300), seed=9)
    truncated.write_bytes(truncated.read_bytes()[:200])
    text = tmp_path / "text.jpg"
    text.write_text("not a picture")
    crops = RandomCrops([text, *whole, truncated], 32, max_zoom=1.5, cache_bytes=0)
    again = RandomCrops([text, *whole, truncated], 32, max_zoom=1.5, cache_bytes=10**6)
    last = [again.draw(np.random.default_rng(number)) for number in reversed(range(12))][::-1]
    for number in range(12):
        crop = crops.draw(np.random.default_rng(number))
        # In whatever order they are drawn: a run that resumes sees what it would have seen.
        assert np.array_equal(crop, last[number])
    messages = [record.getMessage() for record in caplog.records]
    for path in (text, truncated):
        assert sum(f"'{path}'" in message for message in messages) == 2, "once by each"
    assert not any(str(path) in message for path in whole for message in messages)


def test_run_with_damaged_pictures_trains_on_the_others(
    settings: TrainingSettings, caplog: pytest.LogCaptureFixture
) -> None:
    for path in sorted(settings.styles[0].iterdir())[:6]:
        path.write_bytes(path.read_bytes()[:300])
    train(settings)
    assert len({record.getMessage() for record in caplog.records if "skipping" in record.msg}) == 6
    for kept in ("6.png", "7.png"):
        shutil.copy(settings.styles[0] / "0.png", settings.styles[0] / kept)
    with pytest.raises(ValueError, match="style: none of the 8 pictures can be read"):
        train(settings)


def test_loss_that_is_no_number_stops_the_run_and_keeps_what_it_came_from(
    settings: TrainingSettings,
) -> None:
    settings = replace(settings, accumulate=2, log_every=100)
    trainer = Trainer(tiny_model(), settings)

    def poison(step: int, _: dict[str, float]) -> None:
        if step == 4:
            with torch.no_grad():
                trainer.plain_model.decoder.to_rgb.weight.fill_(float("nan"))

    with pytest.raises(FloatingPointError, match="became nan in step 5") as caught:
        trainer.run(poison)
    failed = settings.output / "failed" / "step_0000005"
    assert f"'{failed}'" in str(caught.value)
    assert "step_0000003' is intact" in str(caught.value)
    assert all(value.isfinite().all() for value in state_of(settings.output).values())
    inputs = load_file(failed / "process_0" / "inputs.safetensors")
    assert inputs["pair_number"].tolist() == [16, 17, 18, 19]
    for number, index in enumerate(range(16, 20)):
        pair = trainer.pairs[index]
        assert torch.equal(inputs["content"][number], pair.content)
        picture = np.asarray(load_image(failed / "process_0" / f"style_{number}.png"))
        assert np.array_equal(picture, pair.style.permute(1, 2, 0).numpy())
    # To look at, not to load: what is not finite is refused.
    weights = load_file(failed / "model" / "diffusion_pytorch_model.safetensors")
    assert weights["decoder.to_rgb.weight"].isnan().all()
