"""Arbitrary style transfer with dynamic style kernels (Xu, Long and Nie, CVPR 2023).

Example:
    >>> from stylekernel_hf import pipeline
    >>> pipe = pipeline("style-kernel")
    >>> image = pipe("photo.jpg", "painting.jpg").images[0]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stylekernel_hf.bulk.stylize_batch import StylizeBatch
    from stylekernel_hf.devices.freed_memory import give_back_freed_memory, keep_freed_memory
    from stylekernel_hf.devices.processors import share_processors
    from stylekernel_hf.export.folder import export_onnx
    from stylekernel_hf.hub.card import CardDetails
    from stylekernel_hf.images.loading import load_image
    from stylekernel_hf.images.metadata.picture_metadata import PictureMetadata
    from stylekernel_hf.images.metadata.reading import read_metadata
    from stylekernel_hf.images.writing import save_image
    from stylekernel_hf.integrations.diffusers_pipeline import (
        StyleKernelDiffusionModel,
        StyleKernelDiffusionPipeline,
    )
    from stylekernel_hf.integrations.inference_endpoint import EndpointHandler
    from stylekernel_hf.integrations.transformers_pipeline import register_with_transformers
    from stylekernel_hf.large.file_stylization import stylize_file
    from stylekernel_hf.model.config import StyleKernelConfig
    from stylekernel_hf.pipelines.explanation import Explanation
    from stylekernel_hf.pipelines.runtime_pipeline import RuntimePipeline
    from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline, StyleKernelPipelineOutput
    from stylekernel_hf.pipelines.tasks import pipeline
    from stylekernel_hf.pretrained.checkpoint import load_checkpoint
    from stylekernel_hf.pretrained.model import StyleKernelModel
    from stylekernel_hf.pretrained.presets import build_model
    from stylekernel_hf.styles.embedding import StyleEmbedding
    from stylekernel_hf.styles.library import StyleLibrary
    from stylekernel_hf.video.decoding import StreamDecoder
    from stylekernel_hf.video.live import LiveStylizer
    from stylekernel_hf.video.stylizing import StylizedVideo, VideoProgress, stylize_video

__version__ = "0.1.0"

__all__ = [
    "CardDetails",
    "EndpointHandler",
    "Explanation",
    "LiveStylizer",
    "PictureMetadata",
    "RuntimePipeline",
    "StreamDecoder",
    "StyleEmbedding",
    "StyleKernelConfig",
    "StyleKernelDiffusionModel",
    "StyleKernelDiffusionPipeline",
    "StyleKernelModel",
    "StyleKernelPipeline",
    "StyleKernelPipelineOutput",
    "StyleLibrary",
    "StylizeBatch",
    "StylizedVideo",
    "VideoProgress",
    "build_model",
    "export_onnx",
    "give_back_freed_memory",
    "keep_freed_memory",
    "load_checkpoint",
    "load_image",
    "pipeline",
    "read_metadata",
    "register_with_transformers",
    "save_image",
    "share_processors",
    "stylize_file",
    "stylize_video",
]

# Names are imported on first use: torch alone takes more than a second.
_HOMES = {
    "CardDetails": "stylekernel_hf.hub.card",
    "EndpointHandler": "stylekernel_hf.integrations.inference_endpoint",
    "Explanation": "stylekernel_hf.pipelines.explanation",
    "LiveStylizer": "stylekernel_hf.video.live",
    "PictureMetadata": "stylekernel_hf.images.metadata.picture_metadata",
    "RuntimePipeline": "stylekernel_hf.pipelines.runtime_pipeline",
    "StreamDecoder": "stylekernel_hf.video.decoding",
    "StyleEmbedding": "stylekernel_hf.styles.embedding",
    "StyleKernelConfig": "stylekernel_hf.model.config",
    "StyleKernelDiffusionModel": "stylekernel_hf.integrations.diffusers_pipeline",
    "StyleKernelDiffusionPipeline": "stylekernel_hf.integrations.diffusers_pipeline",
    "StyleKernelModel": "stylekernel_hf.pretrained.model",
    "StyleKernelPipeline": "stylekernel_hf.pipelines.style_kernel",
    "StyleKernelPipelineOutput": "stylekernel_hf.pipelines.style_kernel",
    "StyleLibrary": "stylekernel_hf.styles.library",
    "StylizeBatch": "stylekernel_hf.bulk.stylize_batch",
    "StylizedVideo": "stylekernel_hf.video.stylizing",
    "VideoProgress": "stylekernel_hf.video.stylizing",
    "build_model": "stylekernel_hf.pretrained.presets",
    "export_onnx": "stylekernel_hf.export.folder",
    "give_back_freed_memory": "stylekernel_hf.devices.freed_memory",
    "keep_freed_memory": "stylekernel_hf.devices.freed_memory",
    "load_checkpoint": "stylekernel_hf.pretrained.checkpoint",
    "load_image": "stylekernel_hf.images.loading",
    "pipeline": "stylekernel_hf.pipelines.tasks",
    "read_metadata": "stylekernel_hf.images.metadata.reading",
    "register_with_transformers": "stylekernel_hf.integrations.transformers_pipeline",
    "save_image": "stylekernel_hf.images.writing",
    "share_processors": "stylekernel_hf.devices.processors",
    "stylize_file": "stylekernel_hf.large.file_stylization",
    "stylize_video": "stylekernel_hf.video.stylizing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
