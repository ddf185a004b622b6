"""Commands that a signal stops: they end in order, and say what is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from stylekernel_hf.cli import main
from stylekernel_hf.cli.stop_signals import Stopped
from tests.forks import forked_command
from tests.tiny import save_picture, save_tiny_vgg, tiny_model
from tests.training.runs import command_of, tiny_settings

if sys.platform == "win32":
    pytest.skip("Windows has other signals", allow_module_level=True)
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def stopped(
    words: list[object], signum: signal.Signals, when: Callable[[], bool]
) -> tuple[int, list[str]]:
    """Run a command, send it a signal once something is so; return its status and error lines."""
    with forked_command(*words) as process:
        began = time.monotonic()
        while not when():
            assert process.poll() is None and time.monotonic() - began < 200
            time.sleep(0.01)
        process.send_signal(signum)
        status = process.wait(120)
        return status, process.errors().strip().splitlines()


@pytest.mark.parametrize("signum", STATUS)
def test_batch_says_how_many_pictures_are_written(tmp_path: Path, signum: signal.Signals) -> None:
    (tmp_path / "photos").mkdir()
    first = save_picture(tmp_path / "photos" / "000.png", (200, 160))
    for number in range(1, 400):
        os.link(first, first.with_name(f"{number:03}.png"))
    style, out = save_picture(tmp_path / "style.png"), tmp_path / "out"
    tiny_model().save_pretrained(tmp_path / "model")
    words = ["stylize", first.parent, style, "-o", out, "--model", tmp_path / "model"]
    status, errors = stopped(words, signum, lambda: len([*out.glob("*.png")]) > 2)
    assert status == STATUS[signum]
    written = [path.name for path in out.iterdir()]
    assert all(name.endswith("_style.png") for name in written), "no unfinished file"
    how = "interrupted" if signum == signal.SIGINT else f"ended by {signum.name}"
    assert errors[-1] == f"stylekernel: {how}: {len(written)} of 400 pictures were written"


def test_training_says_from_where_it_goes_on(tmp_path: Path) -> None:
    settings = replace(tiny_settings(tmp_path), steps=4000, save_every=5, sheet_every=4000)
    tiny_model().save_pretrained(tmp_path / "start")
    words = ["train", *command_of(settings, init=tmp_path / "start")]
    checkpoints = settings.output / "checkpoints"
    status, errors = stopped(words, signal.SIGTERM, lambda: any(checkpoints.glob("step_*")))
    assert status == 143
    newest = max(checkpoints.iterdir())
    assert newest.name.startswith("step_"), "no unfinished checkpoint"
    assert errors[-1].startswith("stylekernel: ended by SIGTERM: after step ")
    assert errors[-1].endswith(f" of 4000, '{newest}' is intact; the same command goes on")


def test_evaluation_says_that_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def score(*_: object, on_result: Callable[[int, int], None], **__: object) -> None:
        on_result(3, 40)
        raise Stopped(signal.SIGINT)

    monkeypatch.setattr("stylekernel_hf.evaluation.evaluation.evaluate", score)
    picture = save_picture(tmp_path / "picture.png")
    words = ["evaluate", picture.parent, picture.parent, "--device", "cpu", "--perceptual"]
    words += [save_tiny_vgg(tmp_path / "vgg.safetensors"), "--json", tmp_path / "scores.json"]
    monkeypatch.setattr(sys, "argv", ["stylekernel", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last == "stylekernel: interrupted: 3 of 40 results were scored, nothing is written"
    assert not (tmp_path / "scores.json").exists()


def ended(code: str) -> subprocess.CompletedProcess[str]:
    """Run code that may call `send`, in a Python of its own."""
    head = (
        "import os, signal, sys, time\n"
        "from stylekernel_hf.cli.stop_signals import stop_signals\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def send(name): os.kill(os.getpid(), getattr(signal, name)); time.sleep(0.2)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", head + code], capture_output=True, text=True, timeout=60, check=False
    )


def test_second_ctrl_c_ends_at_once() -> None:
    code = "with stop_signals():\n try: send('SIGINT')\n finally: send('SIGINT'); print('tidy')"
    result = ended(code)
    assert (result.returncode, result.stdout, result.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signal_that_comes_twice_does_not_cut_the_end_short(name: str) -> None:
    code = f"with stop_signals():\n try: send('{name}')\n finally: send('{name}'); print('tidy')"
    result = ended(code)
    assert (result.returncode, result.stdout) == (STATUS[getattr(signal, name)], "tidy\n")


def test_ignored_signal_stays_ignored() -> None:
    code = "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nwith stop_signals(): send('SIGHUP')"
    assert ended(f"{code}\nprint('goes on')").stdout == "goes on\n"


def test_fault_on_the_way_out_is_not_taken_for_the_reason() -> None:
    code = "with stop_signals():\n try: send('SIGHUP')\n finally: raise OSError('terminal is gone')"
    assert ended(code).returncode == 129


def test_signal_that_a_library_swallows_is_heeded_at_the_end() -> None:
    code = "with stop_signals():\n try: send('SIGTERM')\n except BaseException: print('goes on')"
    result = ended(code)
    assert (result.returncode, result.stdout) == (143, "goes on\n")


def test_batch_ends_after_the_picture_in_which_a_signal_was_swallowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def swallow(*_: object) -> None:
        with suppress(BaseException):
            signal.raise_signal(signal.SIGTERM)

    for name in ("a", "b", "s"):
        save_picture(tmp_path / f"{name}.png")
    tiny_model().save_pretrained(tmp_path / "model")
    monkeypatch.setattr("stylekernel_hf.cli.bulk.check_image_size", lambda *_, **__: swallow())
    words = ["stylize", tmp_path / "[ab].png", tmp_path / "s.png", "-o", tmp_path / "out"]
    words += ["--model", tmp_path / "model", "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", ["stylekernel", *map(str, words)])
    before = {each: signal.getsignal(each) for each in STATUS}
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert ended.value.code == 143
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a_s.png"]
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last == "stylekernel: ended by SIGTERM: 1 of 2 pictures were written"


def test_signals_do_what_they_did_when_the_command_is_over() -> None:
    code = "with stop_signals(): pass\nprint(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)"
    assert ended(code).stdout == "True\n"
