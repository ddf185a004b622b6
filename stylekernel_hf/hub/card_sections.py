"""Sections of a model card that come from the config, from a benchmark and from the licence."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

from stylekernel_hf.errors.given_values import plain_number
from stylekernel_hf.hub.building import build_without_weights
from stylekernel_hf.hub.configs import MAX_RESULT_BYTES, read_json_object
from stylekernel_hf.metrics.tables import markdown_table
from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.model.style_kernel import StyleKernelNetwork

PRESETS = {"small": StyleKernelConfig.small(), "base": StyleKernelConfig.base()}
_WORK = ("network", "file to file")


def architecture_table(config: StyleKernelConfig) -> str:
    """Return a table of this network beside the presets that it is not."""
    own = next((name for name, preset in PRESETS.items() if preset == config), None)
    columns = {f"this network (preset {own})" if own else "this network": config}
    columns |= {f"preset {name}": preset for name, preset in PRESETS.items() if name != own}
    facts = [_facts(each) for each in columns.values()]
    return markdown_table(
        ["", *columns], [[label, *(each[label] for each in facts)] for label in facts[0]]
    )


@cache
def count_parameters(config: StyleKernelConfig) -> int:
    """Return the number of weights of a network of this config."""
    network = build_without_weights(StyleKernelNetwork, config)
    return sum(parameter.numel() for parameter in network.parameters())


def speed_table(benchmark: Mapping[str, Any] | str | os.PathLike[str]) -> str:
    """Return what `stylekernel benchmark --json` measured, from its file if need be.

    FileNotFoundError for no file, ValueError for what holds no measurements.
    """
    content = read_result(benchmark, "benchmark")
    try:
        machine = cast("dict[str, Any]", content["machine"])
        rows = [_speed_row(each) for each in content["measurements"] if each["work"] in _WORK]
        if not rows:
            raise ValueError("no measurement of the network")
        where = f"{machine['system']}, {machine['threads']} threads"
        versions = f"torch {machine['torch']}, stylekernel_hf {machine['stylekernel_hf']}"
        gpu = f", {machine['cuda']}" if machine.get("cuda") else ""
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"benchmark must be what `stylekernel benchmark --json` wrote, got {error!r}"
        ) from error
    table = markdown_table(["", "size", "device", "dtype", "seconds", "peak memory"], rows)
    return f"{table}\n\nMeasured by `stylekernel benchmark` on {where}{gpu}, {versions}."


def read_result(
    result: Mapping[str, Any] | str | os.PathLike[str], argument: str
) -> dict[str, Any]:
    """Return a result of the command line, from its JSON file if need be."""
    if isinstance(result, Mapping):
        return dict(result)
    path = Path(result)
    if not path.is_file():
        raise FileNotFoundError(f"{argument}: no such file: '{path}'")
    return read_json_object(path, argument, most_bytes=MAX_RESULT_BYTES)


def _facts(config: StyleKernelConfig) -> dict[str, str]:
    count = count_parameters(config)
    stride = config.stride
    convolutions = _listed(config.dynamic_convolutions)
    return {
        "parameters": f"{count / 1e6:.1f} M" if count >= 1e5 else f"{count:,}",
        "weights in float16": f"{count * 2 / 2**20:.1f} MiB",
        "content encoder, channels": _listed(config.encoder_channels),
        "style encoder, channels": _listed(config.style_channels),
        "stride of the coarsest features": f"{stride} px",
        "style tokens, at most": str(config.max_style_tokens),
        "dynamic kernels": f"{config.kernel_size} x {config.kernel_size}, "
        f"{config.kernel_groups} groups",
        "dynamic convolutions, finest level first": convolutions,
        "style code, channels": str(config.code_channels),
    }


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _speed_row(measurement: Mapping[str, Any]) -> list[str]:
    seconds = plain_number(measurement["seconds"])
    size = plain_number(measurement["size"])
    peak = plain_number(measurement["peak_bytes"])
    if seconds is None or size is None:
        raise ValueError("a measurement without seconds or size")
    return [
        str(measurement["work"]),
        f"{size} px",
        str(measurement["device"]),
        str(measurement["dtype"]),
        f"{seconds:.3g}",
        "-" if peak is None else f"{peak / 2**20:.0f} MiB",
    ]
