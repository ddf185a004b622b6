"""The runtimes that execute a graph, with one interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from stylekernel_hf.errors.messages import extra_required

Runtime: TypeAlias = Literal["onnx", "openvino"]
RUNTIMES: tuple[Runtime, ...] = ("onnx", "openvino")
Precision: TypeAlias = Literal["float32", "bfloat16"]
Floats: TypeAlias = npt.NDArray[np.float32]


class Engine(Protocol):
    """A graph that is ready to run."""

    def run(self, inputs: Mapping[str, Floats]) -> list[Floats]:
        """Return the outputs, in the graph's order, for inputs by name."""
        ...


def load_engine(runtime: Runtime, model: bytes, precision: Precision) -> Engine:
    """Prepare a serialized graph on the CPU; ImportError without the runtime."""
    return _OnnxRuntime(model) if runtime == "onnx" else _OpenVino(model, precision)


def check_precision(runtime: Runtime, dtype: str) -> Precision:
    """Return the dtype of this name; ValueError unless the runtime computes in it here."""
    if dtype == "float32":
        return dtype
    if dtype == "bfloat16" and runtime == "openvino":
        if "BF16" in _openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            return dtype
        raise ValueError(
            "dtype must be float32 with runtime='openvino' here, got bfloat16: this CPU has no "
            "instructions for it"
        )
    allowed = "float32" if runtime == "onnx" else "float32 or bfloat16"
    raise ValueError(f"dtype must be {allowed} with runtime={runtime!r}, got {dtype}")


class _OnnxRuntime:
    """A session of ONNX Runtime."""

    def __init__(self, model: bytes) -> None:
        with extra_required("onnx", 'runtime="onnx"', "onnxruntime"):
            import onnxruntime
        self._session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])

    def run(self, inputs: Mapping[str, Floats]) -> list[Floats]:
        return cast("list[Floats]", self._session.run(None, dict(inputs)))


class _OpenVino:
    """A model that OpenVINO compiled."""

    def __init__(self, model: bytes, precision: Precision) -> None:
        core = _openvino_core()
        # By default OpenVINO computes in bfloat16 where the processor can.
        options = {"INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32"}
        self._model = core.compile_model(core.read_model(model), "CPU", options)

    def run(self, inputs: Mapping[str, Floats]) -> list[Floats]:
        results = self._model(dict(inputs))
        return [np.array(results[output]) for output in self._model.outputs]


def _openvino_core() -> Any:
    with extra_required("openvino", 'runtime="openvino"', "openvino"):
        import openvino
    return openvino.Core()
