"""Nodes and constants of an ONNX graph, written one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from stylekernel_hf.errors.messages import extra_required
from stylekernel_hf.export.quantization import LayerRanges, integer_scale, rounded_weights

with extra_required("onnx", "an export", "onnx"):
    import onnx as onnx
    from onnx import TensorProto, helper

Precision: TypeAlias = Literal["fp32", "fp16", "int8"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "int8")

OPSET = 18
IR_VERSION = 8

Array: TypeAlias = npt.NDArray[Any]


class GraphBuilder:
    """Adds nodes to a graph; values go by their names.

    Features have the dtype of the precision. Statistics, the style code and the attention are
    float32 in any precision, as they are in PyTorch. Convolutions whose names are in `ranges` are
    computed in 8 bits.
    """

    def __init__(self, precision: Precision = "fp32", ranges: LayerRanges | None = None) -> None:
        self.ranges: LayerRanges = ranges or {}
        self._is_half = precision == "fp16"
        self._nodes: list[onnx.NodeProto] = []
        self._counts: dict[str, int] = {}
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def add(self, operator: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Add a node with one output and return the name of it."""
        output = name or self._new_name(operator)
        node = helper.make_node(operator, inputs, [output], name=output, **attributes)
        self._nodes.append(node)
        return output

    def split(self, value: str, sizes: Sequence[int], axis: int) -> list[str]:
        """Cut a value along an axis into parts of these sizes."""
        name = self._new_name("Split")
        outputs = [f"{name}_{index}" for index in range(len(sizes))]
        lengths = self.integers(*sizes)
        self._nodes.append(
            helper.make_node("Split", [value, lengths], outputs, name=name, axis=axis)
        )
        return outputs

    def constant(self, values: Array) -> str:
        """Return the name of a constant of one axis at least; equal ones are stored once."""
        return self._stored(np.ascontiguousarray(values))

    def integers(self, *values: int) -> str:
        """Return the name of a constant list of integers."""
        return self.constant(np.array(values, np.int64))

    def number(self, value: float) -> str:
        """Return the name of a constant number in float32."""
        return self.constant(np.array(value, np.float32))

    def weight(self, values: Array) -> str:
        """Return the name of a constant in the dtype of the features."""
        return self.constant(values.astype(np.float16 if self._is_half else np.float32))

    def in_integers(self, value: str, low: float, high: float) -> str:
        """Round a value to 256 steps from `low` to `high`, and return it in float32."""
        scale, zero = (self._stored(np.array(value)) for value in integer_scale(low, high))
        rounded = self.add("QuantizeLinear", value, scale, zero)
        return self.add("DequantizeLinear", rounded, scale, zero)

    def integer_weights(self, weight: Array, bias: Array | None, step: float) -> list[str]:
        """Return the weights of a convolution, and its bias, as integers that become float32.

        `step` is that of its input.
        """
        rounded, steps = rounded_weights(weight)
        parts: list[tuple[Array, Array]] = [(rounded, steps)]
        if bias is not None:
            whole = np.rint(bias / (steps * step)).clip(-(2**31) + 1, 2**31 - 129)
            parts.append((whole.astype(np.int32), steps * step))
        return [self.add("DequantizeLinear", *map(self.constant, each), axis=0) for each in parts]

    def narrow(self, value: str) -> str:
        """Return float32 in the dtype of the features."""
        return self.add("Cast", value, to=TensorProto.FLOAT16) if self._is_half else value

    def wide(self, value: str) -> str:
        """Return features as float32."""
        return self.add("Cast", value, to=TensorProto.FLOAT) if self._is_half else value

    def branch(self) -> GraphBuilder:
        """Return a builder of a graph inside this one, which reads its values and constants."""
        inner = GraphBuilder(ranges=self.ranges)
        inner._is_half, inner._counts = self._is_half, self._counts
        inner._constants = self._constants
        return inner

    def choose(
        self,
        condition: str,
        then: tuple[GraphBuilder, Sequence[str]],
        otherwise: tuple[GraphBuilder, Sequence[str]],
        shapes: Sequence[Sequence[int | str]],
    ) -> list[str]:
        """Add an If node: the values, of these shapes, of the one of two branches that is run."""
        name = self._new_name("If")
        outputs = [f"{name}_{index}" for index in range(len(shapes))]
        graphs = [
            inner.as_graph(f"{name}_{label}", [], list(map(float_value, values, shapes)))
            for label, (inner, values) in (("then", then), ("else", otherwise))
        ]
        node = helper.make_node(
            "If", [condition], outputs, name=name, then_branch=graphs[0], else_branch=graphs[1]
        )
        self._nodes.append(node)
        return outputs

    def as_graph(
        self,
        name: str,
        inputs: Sequence[onnx.ValueInfoProto],
        outputs: Sequence[onnx.ValueInfoProto],
    ) -> onnx.GraphProto:
        """Return the graph of a branch: its constants are those of the graph around it."""
        return helper.make_graph(self._nodes, name, inputs, outputs)

    def as_model(
        self,
        name: str,
        inputs: Sequence[onnx.ValueInfoProto],
        outputs: Sequence[onnx.ValueInfoProto],
        *,
        version: str,
        description: str,
        metadata: dict[str, str],
    ) -> onnx.ModelProto:
        """Return the whole model with its constants."""
        model = helper.make_model(
            self.as_graph(name, inputs, outputs),
            producer_name="stylekernel_hf",
            producer_version=version,
            doc_string=description,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        helper.set_model_props(model, metadata)
        # Only now, because `make_model` copies the graph.
        for (kind, shape, data), constant in self._constants.items():
            model.graph.initializer.add(
                name=constant,
                data_type=helper.np_dtype_to_tensor_dtype(np.dtype(kind)),
                dims=shape,
                raw_data=data,
            )
        return model

    def _stored(self, values: Array) -> str:
        key = values.dtype.str, values.shape, values.tobytes()
        return self._constants.setdefault(key, f"constant_{len(self._constants)}")

    def _new_name(self, operator: str) -> str:
        number = self._counts[operator] = self._counts.get(operator, -1) + 1
        return f"{operator}_{number}"


def float_value(
    name: str, shape: Sequence[int | str], description: str = ""
) -> onnx.ValueInfoProto:
    """Return an input or output in float32; names in the shape are sides that may vary."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape, description)
