"""Notes in the files of weights, which show whether files were saved together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from stylekernel_hf.errors.given_values import shown
from stylekernel_hf.files.safetensors_header import open_tensors

_KEY = "stylekernel_hf"


def saved_notes(config: Mapping[str, Any], total: str | None) -> dict[str, str]:
    """Return the metadata of a file of weights: its config and, for a shard, the digest of the set.

    Both are one entry, because safetensors writes several entries in any order, and equal weights
    must give equal files, which are not uploaded again.
    """
    return {_KEY: json.dumps({"config": dict(config), "set": total}, sort_keys=True)}


def check_saved_together(files: Sequence[Path], config: Mapping[str, Any]) -> None:
    """Raise ValueError for shards of several saves, and for weights saved with another config.

    A crash or another program may leave such files side by side, and their shapes may fit.
    """
    sets: dict[str, Path] = {}
    for path in files:
        notes = _read_notes(path)
        sets[str(notes.get("set"))] = path
        _check_config(path, notes.get("config", {}), config)
    if len(sets) > 1:
        one, other, *_ = sets.values()
        raise ValueError(
            f"model: '{one}' and '{other}' were saved separately; save or download all of it again"
        )


def _read_notes(path: Path) -> Mapping[str, Any]:
    """Return the notes of a file; files of earlier versions have no notes."""
    with open_tensors(path, f"model: '{path}' must be whole") as weights:
        metadata = cast("dict[str, str] | None", weights.metadata()) or {}
    try:
        notes: object = json.loads(metadata.get(_KEY, "{}"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"model: the metadata of '{path}' are damaged: {error}") from error
    if not isinstance(notes, dict):
        raise ValueError(f"model: the metadata of '{path}' are damaged: {_KEY} is no object")
    return cast("dict[str, Any]", notes)


def _check_config(path: Path, saved: object, config: Mapping[str, Any]) -> None:
    if not isinstance(saved, dict):
        raise ValueError(f"model: the metadata of '{path}' are damaged: the config is no object")
    expected = cast("dict[str, Any]", saved)
    # JSON turns tuples into lists. Fields that only one config has are of another version.
    here = cast("dict[str, Any]", json.loads(json.dumps(dict(config))))
    for name in sorted(expected.keys() & here.keys()):
        if expected[name] != here[name]:
            raise ValueError(
                f"model: '{path}' was saved with another config than that beside it: {name} "
                f"{shown(expected[name])}, not {shown(here[name])}; save or download both again"
            )
