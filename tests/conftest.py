"""Shapes in signatures are checked while the tests run, and the Hub is one on this machine.

Shapes only where arguments come from our own code: for callers' mistakes `images.loading`,
`images.tensors` and the pipeline raise errors of their own, which the checker would forestall.
"""

import gc
import os
import sys
import tempfile
from collections.abc import Iterator

import jaxtyping
import pytest
import torch

from tests.cli.shell import Ended, Shell
from tests.hub.hub_server import WRITE_TOKEN, HubServer

# huggingface_hub reads these when it is first imported, which nothing above does.
_HUB = HubServer()
_HOME = tempfile.TemporaryDirectory(prefix="hf_home_")
os.environ.update(
    HF_ENDPOINT=_HUB.url,
    HF_HOME=_HOME.name,
    HF_HUB_CACHE=f"{_HOME.name}/hub",
    HF_MODULES_CACHE=f"{_HOME.name}/modules",
    HF_TOKEN=WRITE_TOKEN,
    HF_HUB_DISABLE_XET="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    HF_HUB_OFFLINE="0",
)

# Tiny tensors gain nothing from threads, and on a busy machine wait long for each other. Other
# processes that tests start have one as well.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"

_OPERATIONS = ("activation", "border", "dynamic_conv", "gated_attention")
jaxtyping.install_import_hook(
    [
        "stylekernel_hf.model",
        *(f"stylekernel_hf.ops.{name}" for name in (*_OPERATIONS, "upsampled_conv")),
        "stylekernel_hf.metrics",
        "stylekernel_hf.training.losses",
    ],
    "beartype.beartype",
)


def pytest_sessionstart() -> None:
    """Look for no garbage while tests are collected: all that is made stays, which takes long."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage again, but seldom among the million objects that stay."""
    gc.set_threshold(10_000, 10, 100)
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip slow tests, unless they are asked for, and tests of a GPU where there is none."""
    skips: dict[str, pytest.MarkDecorator] = {}
    if "slow" not in config.option.markexpr:
        skips["slow"] = pytest.mark.skip(reason="takes minutes: run with -m slow")
    if not torch.cuda.is_available():
        skips["gpu"] = pytest.mark.skip(reason="needs a CUDA device")
    for item in items:
        for name, skip in skips.items():
            if item.get_closest_marker(name):
                item.add_marker(skip)


@pytest.fixture
def hub() -> Iterator[HubServer]:
    """The Hub, without any repositories; what a test before cached of it is of no use to it."""
    _HUB.clear()
    yield _HUB
    _HUB.clear()


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Run the command line in the process of the test: a new one takes seconds to import torch."""
    from stylekernel_hf.cli import main

    def run(*words: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["stylekernel", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        code, printed = ended.value.code, capsys.readouterr()
        # Python prints a code that is a message, and ends with 1.
        if isinstance(code, str):
            return Ended(1, printed.out, printed.err + code)
        return Ended(code or 0, printed.out, printed.err)

    return run


@pytest.fixture
def zeros_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the border of every feature as the zero padding made it.

    What dynamic convolutions leave there is no zero's, but what goes on in the next row.
    """
    for module in (
        "model.encoder",
        "model.modulation",
        "ops.dynamic_conv",
        "ops.upsampled_conv",
        "model.decoder",
    ):
        name = f"stylekernel_hf.{module}.replicate_border"
        monkeypatch.setattr(name, lambda features, *_, **__: features)


def pytest_sessionfinish() -> None:
    _HOME.cleanup()
