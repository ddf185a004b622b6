"""What the nodes use of ComfyUI, after its documented node interface (comfy_api, version 0.0.2).

ComfyUI is a program and in no package index: `test_comfyui_engine.py` runs the nodes in it where it
is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, ClassVar


class Socket:
    """An input or output of a node, of a type with a name."""

    def __init__(self, kind: str, name: str, **options: Any) -> None:
        self.kind, self.name, self.options = kind, name, options


def socket_type(kind: str) -> Any:
    def make(name: str, **options: Any) -> Socket:
        return Socket(kind, name, **options)

    return type(kind, (), {"Input": staticmethod(make), "Output": staticmethod(make)})


@dataclass
class Schema:
    node_id: str
    display_name: str
    category: str
    description: str = ""
    inputs: list[Socket] = field(default_factory=list)
    outputs: list[Socket] = field(default_factory=list)


class NodeOutput:
    def __init__(self, *result: Any) -> None:
        self.result = result


class ProgressBar:
    """Counts its updates."""

    made: ClassVar[list[ProgressBar]] = []

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.made.append(self)

    def update(self, steps: int) -> None:
        self.done += steps


def modules() -> dict[str, ModuleType]:
    """Return the modules by name, as they are in `sys.modules` while ComfyUI runs."""
    found = {
        name: ModuleType(name)
        for name in (
            "comfy",
            "comfy.utils",
            "comfy.model_management",
            "comfy_api",
            "comfy_api.v0_0_2",
        )
    }
    kinds = {"Image": "IMAGE", "Mask": "MASK", "Int": "INT", "Float": "FLOAT", "Combo": "COMBO"}
    io: Any = type("io", (), {name: socket_type(kind) for name, kind in kinds.items()})
    io.String, io.Custom = socket_type("STRING"), staticmethod(socket_type)
    io.Schema, io.NodeOutput, io.ComfyNode = Schema, NodeOutput, type("ComfyNode", (), {})
    api: Any = found["comfy_api.v0_0_2"]
    api.io, api.ComfyExtension = io, type("ComfyExtension", (), {})
    management: Any = found["comfy.model_management"]
    management.get_torch_device = lambda: "cpu"
    management.throw_exception_if_processing_interrupted = lambda: None
    utils: Any = found["comfy.utils"]
    utils.ProgressBar = ProgressBar
    return found
