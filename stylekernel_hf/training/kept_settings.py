"""Settings that are kept as JSON beside the results: the folder refuses other ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stylekernel_hf.files.atomic_write import atomic_write
from stylekernel_hf.training.settings import TrainingSettings

# Settings that do not influence the weights.
_WITHOUT_EFFECT = {
    "output",
    "before_after",
    "save_every",
    "sheet_every",
    "log_every",
    "loader_workers",
    "cache_gigabytes",
    "log_with",
}


def effective_settings(settings: TrainingSettings) -> dict[str, Any]:
    """Return the settings that influence the weights, by name."""
    return {name: value for name, value in vars(settings).items() if name not in _WITHOUT_EFFECT}


def write_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Write what JSON can hold; the file appears whole or not at all."""
    atomic_write(path, (json.dumps(settings, indent=2) + "\n").encode())


def check_same_settings(
    asked: Mapping[str, str], held: Mapping[str, Any], folder: Path, kind: str
) -> None:
    """Raise ValueError if one of the settings asked for has another value in what a folder holds.

    The message tells every such setting, both values, and that the folder holds a `kind`.
    """
    names = [name for name, value in asked.items() if held.get(name) != value]
    if not names:
        return
    new, old = (", ".join(f"{name} {each.get(name)}" for name in names) for each in (asked, held))
    raise ValueError(
        f"output must be a new folder or one with {new}, but '{folder}' holds {kind} with {old}: "
        "name another output, or give the old values"
    )
