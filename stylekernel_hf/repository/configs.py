"""Configs of networks: strict reading, and what is added when they are written."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from torch import nn

Network = TypeVar("Network", bound=nn.Module)

CONFIG_NAME = "config.json"
MODEL_CLASS = "StyleKernelModel"
FORMAT_VERSION = 1
FORMAT_KEY = "_format_version"
# What a config has beside the arguments of the network; older ones have diffusers' notes as well.
_NOTES = {"_class_name", "_diffusers_version", "_name_or_path", FORMAT_KEY}
# Arguments that came later; configs without them are of networks as their defaults make them.
_ADDED = {"gating", "channel_shuffle"}


def read_json_object(path: Path, argument: str = "model") -> dict[str, Any]:
    """Read a JSON file that must hold an object; ValueError with the path for any other."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{argument}: '{path}' is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{argument}: '{path}' must hold a JSON object")
    return cast(dict[str, Any], value)


def build_network(network: type[Network], path: Path) -> Network:
    """Build a network with random weights from its config file.

    ValueError for a config of another class, of a newer format, with unknown or missing keys, or
    that describes no network.
    """
    config = read_json_object(path)
    came = config.get("_class_name", MODEL_CLASS)
    if came != MODEL_CLASS:
        raise ValueError(f"model must be a {MODEL_CLASS}, but '{path}' is the config of a {came}")
    check_format_version(config.get(FORMAT_KEY, 1), path)
    given = {key: value for key, value in config.items() if key not in _NOTES}
    known = set(inspect.signature(network.__init__).parameters) - {"self"}
    for kind, names in (
        ("unknown", given.keys() - known),
        ("missing", known - given.keys() - _ADDED),
    ):
        if names:
            raise ValueError(
                f"model: {kind} config keys in '{path}': {', '.join(sorted(names))}; "
                "was it written by another version of stylekernel_hf, or edited?"
            )
    try:
        return network(**given)
    except (TypeError, ValueError, IndexError, RuntimeError) as error:
        raise ValueError(f"model: '{path}' describes no network: {error}") from error


def check_format_version(version: object, path: Path, argument: str = "model") -> None:
    """Refuse what a newer version of the package wrote."""
    if not isinstance(version, int) or version < 1:
        raise ValueError(f"{argument}: format version in '{path}' must be 1, got {version!r}")
    if version > FORMAT_VERSION:
        raise ValueError(
            f"{argument}: '{path}' has format version {version}, and this stylekernel_hf reads up "
            f"to {FORMAT_VERSION}: pip install --upgrade stylekernel-hf"
        )


def config_text(config: Mapping[str, Any]) -> str:
    """Return a config as it is written: JSON, with the class's name and the format's version."""
    notes = {"_class_name": MODEL_CLASS, FORMAT_KEY: FORMAT_VERSION}
    return json.dumps({**config, **notes}, indent=2, sort_keys=True) + "\n"
