"""The command line in the process of the test: a new process takes seconds to import torch."""

import sys

import pytest

from stylekernel_hf.cli import main
from tests.cli.shell import Ended, Shell


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return a function that runs `stylekernel` with its arguments."""

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
