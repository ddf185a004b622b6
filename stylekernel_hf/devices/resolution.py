"""Devices and dtypes that callers ask for, checked before anything is loaded."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, cast

import torch

from stylekernel_hf.devices.dtypes import is_native
from stylekernel_hf.errors.messages import first_line

logger = logging.getLogger(__name__)

DeviceMap = str | torch.device | dict[str, "str | int | torch.device"]
"""A device, "auto" for the best there is, or {"": device}."""


def best_device() -> torch.device:
    """Return CUDA if there is a GPU for it, else MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def resolve_device(device: object, *, name: str = "device") -> torch.device:
    """Return the device of that name; ValueError unless this machine computes on it."""
    try:
        resolved = torch.device(cast(Any, device))
        torch.empty(0, device=resolved)
    # Which of these torch raises depends on the kind of device that is lacking.
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        raise ValueError(
            f"{name} must be a device that this machine has, got {str(device)!r}: "
            f"{first_line(error)}"
        ) from error
    if resolved.type == "meta":
        raise ValueError(f"{name} must be a device that computes, got 'meta'")
    return resolved


def resolve_device_map(device_map: DeviceMap | None) -> torch.device:
    """Return the one device of a device map: the CPU for None; ValueError for several."""
    if isinstance(device_map, dict):
        if list(device_map) != [""]:
            raise ValueError(f"device_map must be {{'': device}} or a device, got {device_map!r}")
        device_map = cast(DeviceMap, device_map[""])
    if device_map is None:
        return torch.device("cpu")
    if device_map in ("auto", "balanced"):
        return best_device()
    return resolve_device(device_map, name="device_map")


def check_dtype(dtype: object, allowed: Sequence[torch.dtype]) -> None:
    """Raise ValueError for anything but one of the allowed dtypes."""
    if dtype not in allowed:
        raise ValueError(f"dtype must be one of {', '.join(map(str, allowed))}, got {dtype!r}")


def check_device_has_dtype(dtype: torch.dtype, device: torch.device) -> None:
    """Raise ValueError unless the device computes in the dtype; warn where a CPU emulates it."""
    try:
        probe = torch.zeros(1, 1, device=device, dtype=dtype)
        probe.mm(probe)
    # Which of these torch raises depends on the device and the dtype.
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise ValueError(
            f"dtype must be one that {device} has, got {dtype}: {first_line(error)}"
        ) from error
    if device.type == "cpu" and not is_native(dtype, device):
        logger.warning("dtype %s is emulated by this CPU: torch.float32 is much faster", dtype)
