"""Which runtime is the fastest here, from facts that are known without loading any of them."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stylekernel_hf.devices.load_meter import LoadMeter
from stylekernel_hf.runtime.engines import Runtime

_PACKAGES: dict[Runtime, str] = {"onnx": "onnxruntime", "openvino": "openvino"}
_X86 = {"x86_64", "amd64"}
# Pictures after which the slower start of torch is paid off, by `stylekernel benchmark --runtimes`
# on two idle cores: 0.8 s against 3 ms a picture of 512 px, by which torch or OpenVINO was ahead in
# one run or another, and 1.1 s against 8 ms that ONNX Runtime takes longer.
_PAID_OFF: dict[Runtime, int] = {"openvino": 250, "onnx": 140}
# Pictures after which that of OpenVINO is paid off against ONNX Runtime, 0.38 s against 11 ms, and
# beside another program, 34 ms.
_FEW, _FEW_IF_BUSY = 35, 11


@dataclass(frozen=True)
class Facts:
    """What the choice depends on.

    Attributes:
        has_gpu: Whether this machine has a GPU that torch is built for.
        has_bfloat16: Whether the CPU is known to compute in bfloat16.
        installed: The other runtimes that are installed, with the package onnx.
        torch_is_loaded: Whether torch is imported already.
        is_busy: Whether other programs run now.
    """

    has_gpu: bool
    has_bfloat16: bool
    installed: Collection[Runtime]
    torch_is_loaded: bool
    is_busy: bool


def choose_runtime(
    facts: Facts, *, device: str | None, dtype: str, pictures: int | None
) -> Literal["torch"] | Runtime:
    """Return the fastest runtime for this work.

    - torch on every device but the CPU, by default on a GPU where there is one, and in a dtype that
      only torch computes in.
    - ONNX Runtime, which starts fastest but is slower, for a few pictures.
    - OpenVINO where it is installed: torch is as fast once it is loaded, but loads for a second,
      and beside busy programs it may take several times as long.

    Args:
        facts: What is known of this machine.
        device: The device that was asked for.
        dtype: The name of the dtype.
        pictures: How many pictures there are, or None if that is not known.
    """
    if device != "cpu" and (device is not None or facts.has_gpu):
        return "torch"
    has_openvino = "openvino" in facts.installed and (
        dtype == "float32" or (dtype == "bfloat16" and facts.has_bfloat16)
    )
    if (
        "onnx" in facts.installed
        and dtype == "float32"
        and not facts.torch_is_loaded
        and pictures is not None
    ):
        few = _FEW_IF_BUSY if facts.is_busy else _FEW
        if pictures <= (few if has_openvino else _PAID_OFF["onnx"]):
            return "onnx"
    if has_openvino:
        many = pictures is not None and pictures > _PAID_OFF["openvino"]
        return "torch" if not facts.is_busy and (facts.torch_is_loaded or many) else "openvino"
    return "torch"


def look_around() -> Facts:
    """Return the facts of this machine and process, without importing torch."""
    has_onnx = _is_installed("onnx")
    installed: list[Runtime] = [
        runtime
        for runtime, package in _PACKAGES.items()
        if has_onnx
        and _is_installed(package)
        # OpenVINO was compared with torch on x86 alone.
        and (runtime == "onnx" or platform.machine().lower() in _X86)
    ]
    return Facts(
        has_gpu=_has_gpu(),
        has_bfloat16=_has_bfloat16(),
        installed=installed,
        torch_is_loaded="torch" in sys.modules,
        is_busy=LoadMeter().running() >= 1,
    )


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _has_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(r"\b(avx512_bf16|amx_bf16)\b", flags) is not None


def _has_gpu() -> bool:
    """Return whether there is a GPU that the installed torch can be expected to compute on."""
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        return bool(torch.cuda.is_available() or torch.backends.mps.is_available())
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    try:
        built = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    except OSError:
        return False
    if re.search(r"^hip\b.*= *'", built, re.MULTILINE):
        return Path("/dev/kfd").exists()
    if not re.search(r"^cuda\b.*= *'", built, re.MULTILINE):
        return False
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    if sys.platform == "win32":
        return Path(os.environ.get("SYSTEMROOT", "C:/Windows"), "System32/nvcuda.dll").exists()
    return any(Path("/proc/driver/nvidia/gpus").glob("*"))
