"""Config files of networks, read strictly and written with format version and checkpoint id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from stylekernel_hf.errors.given_values import name_shown, shown
from stylekernel_hf.hub.checkpoint_identity import check_id
from stylekernel_hf.model.config import StyleKernelConfig

CONFIG_NAME = "config.json"
MODEL_CLASS = "StyleKernelModel"
FORMAT_VERSION = 1
MAX_JSON_BYTES = 2**20
"""Bound on a config or an index, which have some kilobytes."""
MAX_RESULT_BYTES = 2**26
"""Bound on results of runs and evaluations, which have an entry for every step or pair."""
FORMAT_KEY = "_format_version"
ID_KEY = "_checkpoint_id"
# Keys of a config file beside the fields of the config; older files have diffusers' keys as well.
_NOTES = {"_class_name", "_diffusers_version", "_name_or_path", FORMAT_KEY, ID_KEY}
# Fields that older configs lack; their defaults describe the older networks.
_ADDED = {"gating", "channel_shuffle"}


def read_json_object(
    path: Path, argument: str = "model", *, most_bytes: int = MAX_JSON_BYTES
) -> dict[str, Any]:
    """Read a JSON file that must hold an object; ValueError with the path for any other."""
    with path.open("rb") as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise ValueError(f"{argument}: '{path}' must have at most {most_bytes} bytes, got more")
    try:
        value = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{argument}: '{path}' is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{argument}: '{path}' must hold a JSON object")
    return cast(dict[str, Any], value)


def read_config(path: Path) -> tuple[StyleKernelConfig, str | None]:
    """Return the config of a file, and the checkpoint id, None for an older file without one.

    ValueError for a config of another class, of a newer format, with unknown or missing keys, or
    that describes no network.
    """
    config = read_json_object(path)
    kind = config.get("_class_name", MODEL_CLASS)
    if kind != MODEL_CLASS:
        raise ValueError(
            f"model must be a {MODEL_CLASS}, but '{path}' is the config of a {name_shown(kind)}"
        )
    check_format_version(config.get(FORMAT_KEY, 1), path)
    try:
        checkpoint_id = check_id(config.get(ID_KEY))
    except ValueError as error:
        raise ValueError(f"model: '{path}' is damaged: {error}") from error
    given = {key: value for key, value in config.items() if key not in _NOTES}
    known = {field.name for field in fields(StyleKernelConfig)}
    for kind, names in (
        ("unknown", given.keys() - known),
        ("missing", known - given.keys() - _ADDED),
    ):
        if names:
            first = ", ".join(name[:100] for name in sorted(names)[:10])
            raise ValueError(
                f"model: {kind} config keys in '{path}': {first}; "
                "was it written by another version of stylekernel_hf, or edited?"
            )
    try:
        return StyleKernelConfig(**given), checkpoint_id
    except (TypeError, ValueError) as error:
        raise ValueError(f"model: '{path}' describes no network: {error}") from error


def check_format_version(version: object, path: Path, argument: str = "model") -> None:
    """Raise ValueError for a format version that is newer than this package, or damaged."""
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValueError(f"{argument}: format version in '{path}' must be 1, got {shown(version)}")
    if version > FORMAT_VERSION:
        raise ValueError(
            f"{argument}: '{path}' has format version {shown(version)}, and this stylekernel_hf "
            f"reads up to {FORMAT_VERSION}: pip install --upgrade stylekernel-hf"
        )


def config_text(config: Mapping[str, Any], checkpoint_id: str) -> str:
    """Return a config as it is written: JSON, with class name, format version and checkpoint id."""
    notes = {"_class_name": MODEL_CLASS, FORMAT_KEY: FORMAT_VERSION, ID_KEY: checkpoint_id}
    return json.dumps({**config, **notes}, indent=2, sort_keys=True) + "\n"
