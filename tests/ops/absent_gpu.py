"""A GPU that is not there, for Triton: kernels are compiled for it and loaded, not run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from triton.backends.compiler import GPUTarget
from triton.backends.driver import DriverBase

# Bytes of shared memory that one block may have, by compute capability: the CUDA C++ Programming
# Guide, "Technical Specifications per Compute Capability". 7.5 is a T4, 8.6 and 12.0 are in
# GeForce RTX 30 and 50, 8.0 and 9.0 are A100 and H100.
SHARED_MEMORY = {75: 64 << 10, 80: 163 << 10, 86: 99 << 10, 90: 227 << 10, 120: 99 << 10}


class AbsentGpu(DriverBase):
    """Triton's driver for a CUDA device of the given compute capability, ten times its number.

    `loaded` gets the name of every kernel that a launch came to load, which Triton does only if the
    device has the shared memory that it needs.
    """

    def __init__(self, capability: int) -> None:
        super().__init__()
        self.capability = capability
        self.loaded: set[str] = set()
        self.launcher_cls = lambda source, metadata: lambda *launch: None
        self.utils = SimpleNamespace(
            get_device_properties=lambda device: {"max_shared_mem": SHARED_MEMORY[capability]},
            load_binary=self._load,
            unload_module=lambda module: None,
        )

    def _load(self, name: str, binary: bytes, shared: int, device: int) -> tuple[Any, ...]:
        assert binary.startswith(b"\x7fELF")
        self.loaded.add(name)
        registers, spills, threads = 0, 0, 1024
        return object(), object(), registers, spills, threads

    @classmethod
    def is_active(cls) -> bool:
        return True

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", self.capability, 32)

    def get_current_device(self) -> int:
        # Triton keeps by device what it has loaded, so that each has a number of its own.
        return id(self)

    def get_current_stream(self, device: int) -> int:
        return 0

    def get_active_torch_device(self) -> torch.device:
        return torch.device("meta")

    def map_python_to_cpp_type(self, ty: str) -> str:
        raise NotImplementedError  # DriverBase demands it; only launchers in C ask.

    def get_benchmarker(self) -> Any:
        raise NotImplementedError  # DriverBase demands it; only autotuning asks.
