"""The folder of the Space: the demo, the package with its weights, and hub_card/space."""

from __future__ import annotations

import shutil
from pathlib import Path

from stylekernel_hf.hub.card import read_card

_FILES = ("app.py", "LICENSE")
_FOLDERS = ("demo", "stylekernel_hf")
_CARD = "README.md"
_REQUIREMENTS = "requirements.txt"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyi", ".*")


def is_space(source: Path) -> bool:
    """Say whether a folder of hub_card is that of a Space: its README's metadata names an SDK."""
    card = read_card(source / _CARD)
    return card is not None and bool(card.metadata.get("sdk"))


def build_space(source: Path, output: Path) -> int:
    """Write all that the Space needs to `output`, and return the number of its files.

    `source` must lie two folders below the project's, as hub_card/space does, because the demo is
    no part of the installed package. FileNotFoundError if something is missing there,
    FileExistsError if `output` holds anything.
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
