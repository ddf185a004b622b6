"""Two trainings in one folder: the second is refused at once, and the dead refuse nobody."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from accelerate.state import AcceleratorState
from filelock import FileLock

from stylekernel_hf.training.sole_training import sole_training
from stylekernel_hf.training.style_pretraining import StylePretrainer, StylePretrainingSettings
from stylekernel_hf.training.trainer import Trainer
from tests.cli.shell import Shell
from tests.tiny import tiny_model
from tests.training.runs import command_of, tiny_settings, train


@pytest.mark.parametrize("command", ["train", "finetune", "ablate"])
def test_command_is_refused_where_a_training_is_going_on(
    tmp_path: Path, shell: Shell, command: str
) -> None:
    settings = tiny_settings(tmp_path)
    settings.output.mkdir()
    tiny_model().save_pretrained(tmp_path / "start")
    words: list[object] = [*command_of(settings, init=tmp_path / "start")]
    if command != "train":
        words = ["--content", *settings.contents, "--style", *settings.styles]
        words += ["--output", settings.output, "--perceptual", settings.perceptual]
    with sole_training(settings.output):
        before = sorted(settings.output.iterdir())
        ended = shell(command, *words)
        assert sorted(settings.output.iterdir()) == before
    AcceleratorState._reset_state(reset_partial_state=True)
    assert ended.status == 1 and len(ended.err.strip().splitlines()) == 1
    assert f"output: another training is going on in '{settings.output}'" in ended.err


def test_pretraining_is_refused_where_a_training_is_going_on(tmp_path: Path) -> None:
    settings = tiny_settings(tmp_path)
    asked = StylePretrainingSettings(settings.styles, settings.output, settings.perceptual)
    settings.output.mkdir()
    with sole_training(settings.output), pytest.raises(OSError, match="another training"):
        StylePretrainer(tiny_model(), asked)


def test_training_that_began_meanwhile_is_noticed_before_anything_is_written(
    tmp_path: Path,
) -> None:
    settings = tiny_settings(tmp_path)
    trainer = Trainer(tiny_model(), settings)
    settings.output.mkdir()
    with sole_training(settings.output), pytest.raises(OSError, match="another training"):
        trainer.run()
    assert [path.name for path in settings.output.iterdir()] == [".training.lock"]


def test_folder_is_free_when_the_training_is_over(tmp_path: Path) -> None:
    settings = tiny_settings(tmp_path)
    train(settings)
    with sole_training(settings.output):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_training_refuses_nobody_though_its_workers_live_on(tmp_path: Path) -> None:
    code = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from stylekernel_hf.training.sole_training import sole_training\n"
        f"with sole_training(Path({str(tmp_path)!r})):\n"
        "    worker = os.fork()\n"
        "    if not worker: print(os.getpid(), flush=True)\n"
        "    time.sleep(200)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        with pytest.raises(OSError, match="another training"), sole_training(tmp_path):
            pass
        process.kill()
        process.wait()
        try:
            with sole_training(tmp_path):
                os.kill(worker, 0)  # It is there still.
        finally:
            os.kill(worker, signal.SIGKILL)


def test_folder_that_cannot_be_locked_is_trained_in_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_locks(*_: object, **__: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(FileLock, "acquire", no_locks)
    settings = tiny_settings(tmp_path)
    train(settings)
    assert (settings.output / "model" / "config.json").exists()
    assert f"'{settings.output}' cannot be locked" in caplog.text
