"""The runtimes that execute a graph, with one interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from stylekernel_hf.errors.messages import extra_required

Runtime: TypeAlias = Literal["onnx", "openvino"]
RUNTIMES: tuple[Runtime, ...] = ("onnx", "openvino")
Floats: TypeAlias = npt.NDArray[np.float32]


class Engine(Protocol):
    """A graph that is ready to run."""

    def run(self, inputs: Mapping[str, Floats]) -> list[Floats]:
        """Return the outputs, in the graph's order, for inputs by name."""
        ...


def load_engine(runtime: Runtime, model: bytes) -> Engine:
    """Prepare a serialized graph on the CPU, in float32; ImportError without the runtime."""
    return _OnnxRuntime(model) if runtime == "onnx" else _OpenVino(model)


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

    def __init__(self, model: bytes) -> None:
        with extra_required("openvino", 'runtime="openvino"', "openvino"):
            import openvino
        core: Any = openvino.Core()
        # By default OpenVINO computes in bfloat16 where the processor can.
        options = {"INFERENCE_PRECISION_HINT": "f32"}
        self._model = core.compile_model(core.read_model(model), "CPU", options)

    def run(self, inputs: Mapping[str, Floats]) -> list[Floats]:
        results = self._model(dict(inputs))
        return [np.array(results[output]) for output in self._model.outputs]
