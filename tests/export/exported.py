"""Exported models, run by ONNX Runtime, beside the same pictures from the network itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor

from stylekernel_hf.export.graph_builder import Precision
from stylekernel_hf.export.graphs import style_model, transform_model
from stylekernel_hf.export.network_weights import NetworkWeights
from stylekernel_hf.images.geometry import crop_back, pad_to_multiple
from stylekernel_hf.model.style_field import StyleField
from stylekernel_hf.model.style_kernel import BORDER_MARGIN, StyleKernelNetwork

Array = np.ndarray[Any, np.dtype[np.float32]]


def smooth_picture(height: int, width: int, seed: int) -> Tensor:
    """Return smooth random colours with some grain."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 2 + height // 24, 2 + width // 24, generator=generator)
    fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    return 0.9 * fine + 0.1 * torch.rand(1, 3, height, width, generator=generator)


def build_models(
    network: StyleKernelNetwork, precision: Precision = "fp32"
) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """Return the models of the style and of the transformation."""
    arrays = {name: x.detach().float().numpy() for name, x in network.state_dict().items()}
    weights = NetworkWeights(arrays, "the network")
    models = (
        style_model(network.config, weights, precision),
        transform_model(network.config, weights, precision),
    )
    weights.check_all_taken()
    return models


class Exported:
    """The two models in ONNX Runtime."""

    def __init__(self, network: StyleKernelNetwork, precision: Precision = "fp32") -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.style, self.transform = (
            onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
            for model in build_models(network, precision)
        )

    def encode(self, painting: Tensor) -> list[Array]:
        return self.style.run(None, {"painting": painting.numpy()})

    def stylize(
        self,
        photo: Tensor,
        paintings: Sequence[Tensor],
        shares: Sequence[float] = (1.0,),
        strength: float = 1.0,
    ) -> Array:
        return self.transform.run(None, self.inputs(photo, paintings, shares, strength))[0]

    def inputs(
        self,
        photo: Tensor,
        paintings: Sequence[Tensor],
        shares: Sequence[float] = (1.0,),
        strength: float = 1.0,
    ) -> dict[str, Array]:
        """Return the inputs of the transformation, stacked as the README of an export says."""
        styles = [self.encode(painting) for painting in paintings]
        most = max(key.shape[1] for key, _, _ in styles)
        fill = [((0, 0), (0, most - key.shape[1]), (0, 0)) for key, _, _ in styles]
        parts = list(zip(styles, fill, np.array(shares, np.float32), strict=True))
        return {
            "photo": photo.numpy(),
            "key": np.concatenate([np.pad(key, zeros) for (key, _, _), zeros, _ in parts]),
            "value": np.concatenate([s * np.pad(value, z) for (_, value, _), z, s in parts]),
            "code": np.concatenate([share * code for (_, _, code), _, share in parts]),
            "strength": np.array(strength, np.float32),
        }


@torch.inference_mode()
def stylize_by_torch(
    network: StyleKernelNetwork,
    photo: Tensor,
    paintings: Sequence[Tensor],
    shares: Sequence[float] = (1.0,),
    strength: float = 1.0,
) -> Array:
    """Return the same picture from the network, padded and cropped as the pipeline does it."""
    styles = tuple(
        network.encode_style(pad_to_multiple(painting, network.style_stride)[0])
        for painting in paintings
    )
    field = StyleField(styles, torch.tensor(shares).view(1, -1, 1, 1))
    style = styles[0] if len(styles) == 1 else field
    padded, padding = pad_to_multiple(photo, network.stride, BORDER_MARGIN)
    return crop_back(network(padded, style, strength), padding).numpy()
