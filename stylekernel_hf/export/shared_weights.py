"""Weights of several models in one file, in 16 bits: a page on the web loads them once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stylekernel_hf.export.graph_builder import TensorProto, helper, onnx

_LEAST = 256
"""Constants with fewer values stay in the model, as they are."""


def share_weights(models: Mapping[str, onnx.ModelProto], file: str) -> bytes:
    """Move the weights of models to one file, whose content is returned.

    Equal weights are stored once, rounded to 16 bits. The models convert them when they are loaded,
    and compute in 32 bits.

    Args:
        models: The models in fp32, which are changed.
        file: The name of the file, which the models refer to.
    """
    places: dict[bytes, int] = {}
    content = bytearray()
    for model in models.values():
        casts: list[onnx.NodeProto] = []
        for tensor in model.graph.initializer:
            values = onnx.numpy_helper.to_array(tensor)
            if values.dtype != np.float32 or values.size < _LEAST:
                continue
            stored = values.astype("<f2").tobytes()
            if stored not in places:
                places[stored] = len(content)
                content += stored
            casts.append(
                helper.make_node(
                    "Cast",
                    [f"{tensor.name}_stored"],
                    [tensor.name],
                    name=f"{tensor.name}_cast",
                    to=TensorProto.FLOAT,
                )
            )
            _refer(tensor, file, places[stored], len(stored))
        nodes = [*casts, *model.graph.node]
        del model.graph.node[:]
        model.graph.node.extend(nodes)
    return bytes(content)


def _refer(tensor: onnx.TensorProto, file: str, offset: int, length: int) -> None:
    """Make a constant one that lies in a file."""
    tensor.name = f"{tensor.name}_stored"
    tensor.data_type = TensorProto.FLOAT16
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", file), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))
