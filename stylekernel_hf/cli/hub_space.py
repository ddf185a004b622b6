"""The folder of the demo's Space: demo, package, weights and the files of hub_card/space."""

from __future__ import annotations

import shutil
from pathlib import Path

from stylekernel_hf.hub.card import read_card

_FILES = ("app.py", "LICENSE")
_FOLDERS = ("demo", "stylekernel_hf")
_CARD = "README.md"
_REQUIREMENTS = "requirements.txt"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyi", ".*")


def sdk_of(source: Path) -> str | None:
    """Return the SDK of a Space's folder, which its README.md names; None for another folder."""
    card = read_card(source / _CARD)
    return None if card is None else card.metadata.get("sdk") or None


def build_space(source: Path, output: Path) -> int:
    """Write the files of the Space to `output`, and return their number.

    `source` must lie two folders below the project's folder, as hub_card/space does, because the
    demo is not in the installed package. FileNotFoundError if something is missing there,
    FileExistsError if `output` is not empty.
    """
    root = source.resolve().parents[1]
    parts = [
        *((root / name, name) for name in (*_FILES, *_FOLDERS)),
        *((source / name, name) for name in (_CARD, _REQUIREMENTS)),
    ]
    if missing := [str(path) for path, _ in parts if not path.exists()]:
        raise FileNotFoundError(f"source: the Space needs {', '.join(missing)}: no such file")
    if output.exists() and any(output.iterdir()):
        raise FileExistsError(f"output must be a new or empty folder, got '{output}'")
    output.mkdir(parents=True, exist_ok=True)
    for path, name in parts:
        if path.is_dir():
            shutil.copytree(path, output / name, ignore=_LEFT_OUT)
        else:
            shutil.copyfile(path, output / name)
    return sum(path.is_file() for path in output.rglob("*"))
