"""Weights that cannot be downloaded or read: what to do is said in one line."""

from __future__ import annotations

import errno
import http.client
import sys
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
from torchvision.models import VGG19_Weights

from stylekernel_hf.cli import main
from stylekernel_hf.metrics.downloads import named_download
from stylekernel_hf.metrics.perceptual import load_perceptual_network
from tests.tiny import save_picture

URL = VGG19_Weights.IMAGENET1K_V1.url
FILE = Path(URL).name


@pytest.fixture
def torch_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("torch.hub._hub_dir", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def no_network(torch_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise URLError(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"))

    monkeypatch.setattr("torch.hub.urlopen", fail)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (URLError(OSError("no route to host")), "no route to host"),
        (HTTPError(URL, 403, "Forbidden by the proxy", http.client.HTTPMessage(), None), "403"),
        (TimeoutError("timed out"), "timed out"),
        (http.client.IncompleteRead(b"half"), "IncompleteRead"),
        (RuntimeError('invalid hash value (expected "dc", got "ab")'), "invalid hash value"),
    ],
)
def test_download_that_fails_in_any_way_says_what_to_do(
    torch_home: Path, error: Exception, reason: str
) -> None:
    with (
        pytest.raises(OSError, match=f"VGG needs the weights {FILE}") as caught,
        named_download("VGG", URL, otherwise=", or do without"),
    ):
        raise error
    message = str(caught.value)
    assert reason in message and "urlopen" not in message and "\n" not in message
    assert message.endswith(f"{URL} into the folder '{torch_home / 'checkpoints'}', or do without")


@pytest.mark.usefixtures("no_network")
def test_vgg19_can_be_put_there_by_hand_or_named(torch_home: Path) -> None:
    with pytest.raises(OSError, match="could not be downloaded") as caught:
        load_perceptual_network()
    assert "Connection refused" in str(caught.value) and str(torch_home) in str(caught.value)
    assert str(caught.value).endswith("as perceptual (--perceptual)")


@pytest.mark.parametrize("content", [b"", b"<html>Log in first</html>", b"PK\x03\x04cut short"])
def test_damaged_download_is_named(torch_home: Path, content: bytes) -> None:
    (torch_home / "checkpoints").mkdir(parents=True)
    (torch_home / "checkpoints" / FILE).write_bytes(content)
    with pytest.raises(OSError, match=f"{FILE}, which cannot be read .* put the file from"):
        load_perceptual_network()


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    "words",
    [
        ["finetune", "--content", ".", "--style", ".", "--output", "run"],
        ["train", "--content", ".", "--style", ".", "--output", "run"],
        ["pretrain", "--style", ".", "--output", "run"],
        ["ablate", "--content", ".", "--style", ".", "--output", "run", "--steps", "1"],
        ["evaluate", ".", ".", "--device", "cpu"],
        ["benchmark", "--training", ".", "."],
    ],
)
def test_commands_without_a_network_name_the_option(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from accelerate.state import AcceleratorState

    monkeypatch.chdir(tmp_path)
    for number in range(2):
        save_picture(tmp_path / f"{number}.png", seed=number)
    monkeypatch.setattr(sys, "argv", ["stylekernel", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    AcceleratorState._reset_state(reset_partial_state=True)
    message = str(ended.value.code)
    assert "--perceptual" in message and FILE in message and "\n" not in message
    assert not (tmp_path / "run" / "model").exists()
